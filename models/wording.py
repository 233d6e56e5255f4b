"""Counts in sentences."""


def counted(number: int, noun: str) -> str:
    """The number with its noun, which takes an s in the plural: 1 sample, 2,000 samples."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
