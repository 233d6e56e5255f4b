"""Kinds of pictures that people send, each drawn by one small function; `KINDS` holds all of them."""

from picture_kinds import cameras, cuts, files, lights, mnist, no_digit, pens, things
from picture_kinds.kinds import KINDS, Half, Hand, Kind

__all__ = ["KINDS", "Half", "Hand", "Kind"]
DRAWERS = (cuts, things, lights, pens, cameras, files, mnist, no_digit)  # importing them registers their kinds
