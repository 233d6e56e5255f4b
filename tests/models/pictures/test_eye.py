"""Marks that may be ink are ink only where they continue what surely is."""

import numpy as np

from models.pictures.eye import resolve_doubt

SURELY_INK, DOUBTFUL, SURELY_A_MARK = (0.9, 0.05), (0.3, 0.65), (0.02, 0.97)  # probabilities of ink, of a mark


def test_a_doubtful_mark_is_ink_where_it_touches_ink() -> None:
    resolved = resolve_row(SURELY_INK, DOUBTFUL, DOUBTFUL, SURELY_A_MARK)
    assert np.allclose(resolved, [0.95, 0.95, 0.95, 0.02])


def test_a_doubtful_mark_alone_is_none() -> None:
    """The dividing lines of a form's fields were read as ones."""
    resolved = resolve_row(SURELY_INK, (0.0, 0.0), DOUBTFUL, DOUBTFUL)
    assert np.allclose(resolved, [0.95, 0.0, 0.3, 0.3])


def test_nothing_changes_without_sure_ink() -> None:
    assert np.allclose(resolve_row(DOUBTFUL, SURELY_A_MARK), [0.3, 0.02])


def resolve_row(*pixels: tuple[float, float]) -> np.ndarray:
    ink, marks = np.array(pixels, np.float32).T[:, None]
    return resolve_doubt(ink, marks, min_doubt=0.12)[0]
