import numpy as np

from models.pictures.strength import measure_strength


def page(ground: np.ndarray, ink: float) -> tuple[np.ndarray, np.ndarray]:
    """A stroke of three columns, the outer ones half covered, in colours (3, 40, 40); and what the eye found."""
    share = np.zeros((40, 40), np.float32)
    share[10:30, 19], share[10:30, 20], share[10:30, 21] = 0.5, 1, 0.5
    found = np.zeros((40, 40), np.float32)
    found[10:30, 19:22] = 0.95
    return np.stack([ground * (1 - share) + ink * share] * 3).astype(np.float32), found


def test_strength_is_the_share_of_the_ink() -> None:
    for ground, ink in ((0.8, -0.7), (-0.8, 0.7)):
        colours, found = page(np.full((40, 40), ground), ink)
        strength = measure_strength(found, colours)
        assert strength[20, 20] > 0.95
        assert 0.3 < strength[20, 19] < 0.8
        assert strength[20, 25] == 0


def test_ink_is_as_strong_in_a_shadow_as_beside_it() -> None:
    ground = np.full((40, 40), 0.8)
    ground[20:] = -0.2
    colours, found = page(ground, -0.7)
    strength = measure_strength(found, colours)
    assert strength[13, 20] > 0.9
    assert strength[27, 20] > 0.9


def test_what_the_eye_has_not_found_is_no_ink() -> None:
    colours, found = page(np.full((40, 40), 0.8), -0.7)
    colours[:, :, 5] = -0.7
    assert measure_strength(found, colours)[:, 5].max() == 0


def test_ink_in_grey_is_as_strong_as_in_colour() -> None:
    colours, found = page(np.linspace(-0.2, 0.8, 1600).reshape(40, 40), -0.7)
    np.testing.assert_allclose(measure_strength(found, colours[:1]), measure_strength(found, colours), atol=1e-5)
