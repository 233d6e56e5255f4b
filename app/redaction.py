"""What may stand in a log line or an answer: no key, no control character, and only the beginning of a long path."""

import re

MAX_SHOWN_PATH_LENGTH = 200  # characters of a request's path

KEY = re.compile(r"(numeral_[0-9a-f]{10})_[0-9a-f]+", re.I)  # the public id, then the secret
MASKED = r"\1_***"
CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\u2028\u2029"  # what some programs take for the end of a line
    "\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what changes the direction of writing
    "\ud800-\udfff]"  # what no encoding takes
)
CONTROLS_IN_LINE = re.compile(CONTROLS.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))  # all but the line feed


def mask_keys(text: str) -> str:
    """The text with `***` in place of the secret of each API key."""
    return KEY.sub(MASKED, text) if "_" in text else text


def show_path(path: str) -> str:
    """A request's path, at most 200 characters of it, without the secret of a key."""
    shown = mask_keys(path)
    return shown if len(shown) <= MAX_SHOWN_PATH_LENGTH else f"{shown[: MAX_SHOWN_PATH_LENGTH - 1]}…"


def escape_controls(text: str, controls: re.Pattern[str] = CONTROLS) -> str:
    """The text with each control character written as Python writes it in a string: \\n, \\x1b."""
    return controls.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
