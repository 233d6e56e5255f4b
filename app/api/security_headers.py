"""Response headers that restrict what a browser does with an answer."""

Headers = list[tuple[bytes, bytes]]

DATA_POLICY = (  # of data; an SVG brings its own styles
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def common_headers(*, is_shared: bool) -> Headers:
    """The headers of every response; `is_shared` where pages of other origins may use it."""
    named = {
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "cross-origin" if is_shared else "same-origin",
    }
    return [(name.encode(), value.encode()) for name, value in named.items()]
