"""The Accept header (RFC 9110, section 12.5.1), as far as this service offers a choice."""


def accepts(accept: str, media_type: str) -> bool:
    """Whether the Accept header names `media_type` itself, with a quality above 0."""
    for part in accept.lower().split(","):
        name, *parameters = (text.strip() for text in part.split(";"))
        if name == media_type:
            return not any(parameter.replace(" ", "") in ("q=0", "q=0.0") for parameter in parameters)
    return False


def prefers(accept: str, media_type: str) -> bool:
    """Whether the header names `media_type` and neither JSON nor HTML, as a browser's own header does."""
    return accepts(accept, media_type) and not (accepts(accept, "application/json") or accepts(accept, "text/html"))
