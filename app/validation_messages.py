"""What pydantic found wrong with a document, in plain sentences, and where in the document as it was sent."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

MAX_SHOWN = 40  # characters of a value in a message
MAX_NAMED = 12  # choices that a message lists
MAX_COMPARED = 100  # characters of a name for which the nearest is looked for
MIN_LIKENESS = 0.7  # difflib's ratio: below it, `lr` is like `blur`, and `version` like `precision`
SYNONYMS = {  # names that other programs have for the same
    "lr": "learning_rate", "bs": "batch_size", "batch": "batch_size", "wd": "weight_decay", "data": "dataset",
    "label": "digit",
    "sweep": "backprop_sweep", "train": "mnist_training", "training": "mnist_training", "search": "training_search",
}  # fmt: skip

# by pydantic's type of error; {input} is what was sent, the other names are pydantic's
SENTENCES = {
    "missing": "it is missing",
    "extra_forbidden": "there is no such field",
    "union_tag_invalid": "it is of no known kind",
    "union_tag_not_found": "it is of no known kind",
    "none_required": "it must be null",
    "int_type": "a whole number is expected, not {input}",
    "int_parsing": "a whole number is expected, not {input}",
    "int_parsing_size": "the number has too many digits",
    "int_from_float": "a whole number is expected, not {input}",
    "float_type": "a number is expected, not {input}",
    "float_parsing": "a number is expected, not {input}",
    "finite_number": "a finite number is expected, not {input}",
    "bool_type": "true or false is expected, not {input}",
    "bool_parsing": "true or false is expected, not {input}",
    "string_type": "a text is expected, not {input}",
    "list_type": "a list is expected, not {input}",
    "tuple_type": "a list is expected, not {input}",
    "dict_type": "an object is expected, not {input}",
    "model_type": "an object is expected, not {input}",
    "model_attributes_type": "an object is expected, not {input}",
    "greater_than": "it must be above {gt}, not {input}",
    "greater_than_equal": "it must be at least {ge}, not {input}",
    "less_than": "it must be below {lt}, not {input}",
    "less_than_equal": "it must be at most {le}, not {input}",
    "too_short": "it must have at least {min_length} items, not {actual_length}",
    "too_long": "it must have at most {max_length} items, not {actual_length}",
    "string_too_short": "it must have at least {min_length} characters",
    "string_too_long": "it must have at most {max_length} characters",
    "string_pattern_mismatch": "it must have the form: {pattern}",
    "string_unicode": "the text is not Unicode",
    "json_invalid": "it is not JSON",
}
FORMS = {  # regular expressions in words
    "^[a-z][a-z0-9_-]{0,39}$": "a lower-case letter, then up to 39 lower-case letters, digits, - and _",
    r"^[^\x00-\x1f\x7f]*$": "one line of text without control characters",
    "^[0-9a-f-]{36}$": "an id as the service gives it",
}


class Finding(NamedTuple):
    """What is wrong, and where: the names and positions that lead there in the document."""

    location: tuple[str, ...]
    message: str


def describe_all(details: Iterable[Mapping[str, Any]], document: Any = None) -> list[Finding]:
    """The errors of pydantic as findings, one for each place.

    `details` are those of ValidationError.errors(). A location of pydantic's also names what it tried; where the
    `document` that was validated is given, only the parts that lead somewhere in it are kept.
    """
    by_place: dict[tuple[str, ...], list[str]] = {}
    placed = [(_find_place(detail, document), detail) for detail in details]
    for place, detail in placed:
        if detail["type"].endswith("_type") and any(
            len(place) < len(one) and one[: len(place)] == place for one, _ in placed
        ):
            continue  # of a union: another alternative was near enough to be wrong further down
        messages = by_place.setdefault(place, [])
        if (message := describe(detail)) not in messages:
            messages.append(message)
    return [Finding(place, ", or ".join(_join(messages))) for place, messages in by_place.items()]


def describe(detail: Mapping[str, Any]) -> str:
    """One error of pydantic as a plain sentence."""
    kind, context = detail["type"], detail.get("ctx") or {}
    if kind == "value_error":
        return str(context.get("error", detail["msg"])).removeprefix("Value error, ")
    if kind in ("literal_error", "enum"):
        return _describe_choice(detail.get("input"), _split(context["expected"]))
    if kind in SENTENCES and context.get("hint"):
        return f"{SENTENCES[kind]}; {context['hint']}"
    if kind in ("too_short", "string_too_short") and context["min_length"] == 1:
        return "it must not be empty"
    if kind == "string_pattern_mismatch" and context["pattern"] in FORMS:
        lower, form = str(detail.get("input")).lower(), FORMS[context["pattern"]]
        hint = f"; do you mean '{lower}'?" if re.fullmatch(context["pattern"], lower) else ""
        return f"it must have the form: {form}{hint}"
    if kind in SENTENCES:
        bounds = {name: show(value) if isinstance(value, float) else value for name, value in context.items()}
        return SENTENCES[kind].format_map({**bounds, "input": show(detail.get("input"))})
    return str(detail["msg"]).replace("Input should be", "it must be").replace("Input should", "it must")


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The known name that is most like this one, if any is."""
    wanted = str(name)[:MAX_COMPARED].lower()
    found = get_close_matches(SYNONYMS.get(wanted, wanted), known, n=1, cutoff=MIN_LIKENESS)
    return found[0] if found else None


def _describe_choice(value: Any, known: Sequence[str]) -> str:
    subject = f"it cannot be {show(value)}"
    if guess := nearest(value, known) if isinstance(value, str) else None:
        return f"{subject}; do you mean '{guess}'?"
    return f"{subject}; it can be {', '.join(known[:MAX_NAMED])}" + (" ..." if len(known) > MAX_NAMED else "")


def _split(choices: str) -> list[str]:
    """The names in pydantic's list of them: 'a', 'b' or 'c'."""
    return [name.strip(" '") for name in choices.replace(" or ", ", ").split(",")]


def _join(messages: list[str]) -> list[str]:
    """Messages of the alternatives of one place: of those that only say what type is expected, the value once."""
    return [message.partition(", not ")[0] for message in messages[:-1]] + messages[-1:]


def show(value: Any) -> str:
    """A value as JSON has it, cut off where it is long."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    text = f"{value:g}" if isinstance(value, float) and value.is_integer() else json.dumps(value, default=str)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def _find_place(detail: Mapping[str, Any], document: Any) -> tuple[str, ...]:
    parts = detail["loc"]
    if document is None or not parts or parts[0] != "body":
        return tuple(map(str, parts))
    may_lack = detail["type"] in ("missing", "extra_forbidden") or _is_of_default(detail, document)
    return ("body", *_follow(parts[1:], document, may_lack=may_lack)[1])


def _follow(parts: tuple[Any, ...], value: Any, *, may_lack: bool) -> tuple[bool, tuple[str, ...]]:
    """Whether the last part leads somewhere in the value, and the longest way there; otherwise the longest way.

    A part that pydantic tried may have the name of a field by chance, so each is left out, too.
    """
    if not parts:
        return False, ()
    part, rest = parts[0], parts[1:]
    is_in_object = isinstance(value, dict) and (part in value or (may_lack and not rest))
    is_in_list = isinstance(value, list) and isinstance(part, int) and (part < len(value) or not rest)
    if not (is_in_object or is_in_list):
        return _follow(rest, value, may_lack=may_lack)
    if not rest:
        return True, (str(part),)
    is_reached, way = _follow(rest, value[part], may_lack=may_lack)
    return max((is_reached, (str(part), *way)), _follow(rest, value, may_lack=may_lack), key=_worth)


def _worth(found: tuple[bool, tuple[str, ...]]) -> tuple[bool, int]:
    return found[0], len(found[1])


def _is_of_default(detail: Mapping[str, Any], document: Any) -> bool:
    """Whether the default of a field that was left out does not fit the others. Otherwise the last part is the tag of a
    union: a value of the document, or behind a field of it."""
    if detail["type"] != "value_error" or not isinstance(document, dict):
        return False
    *tags, name = detail["loc"][1:] or ("",)
    return name not in document.values() and not any(part in document for part in tags)
