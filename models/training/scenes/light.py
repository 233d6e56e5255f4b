"""Light and shadow: maps float32 (height, width, 1) that a picture is multiplied by (and then clipped to 0..1)."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from models.training.scenes.grounds import Shape, coordinate, direction_ramp
from models.training.scenes.noise import smooth_noise

Light = NDArray[np.float32]


def gradient_light(shape: Shape, random: np.random.Generator, strength: float | None = None) -> Light:
    """Falls in any direction to 1 - strength, 0.1 to 0.6."""
    fall = random.uniform(0.1, 0.6) if strength is None else strength
    return _as_light(1 - fall * direction_ramp(shape, random.uniform(0, 2 * np.pi)))


def vignette(shape: Shape, random: np.random.Generator, strength: float | None = None) -> Light:
    """Darkens the corners to 1 - strength, 0.2 to 0.7."""
    fall = random.uniform(0.2, 0.7) if strength is None else strength
    return _as_light(1 - fall * np.minimum(1, _radius(shape, (0.5, 0.5)) ** random.uniform(1.5, 3)))


def glare(shape: Shape, random: np.random.Generator, strength: float | None = None) -> Light:
    """A lamp's reflection somewhere: brightens to 1 + strength, 0.1 to 0.6."""
    rise = random.uniform(0.1, 0.6) if strength is None else strength
    radius = _radius(shape, (random.random(), random.random())) / random.uniform(0.2, 0.7)
    return _as_light(1 + rise * np.exp(-(radius**2)))


def soft_shadow(shape: Shape, random: np.random.Generator, strength: float | None = None) -> Light:
    """A shadow without an edge: smooth, and down to 1 - strength, 0.2 to 0.7."""
    fall = random.uniform(0.2, 0.7) if strength is None else strength
    cover = smooth_noise(shape, max(shape) * random.uniform(0.4, 1.2), random)
    return _as_light(1 - fall * np.clip(2 * cover - 0.5, 0, 1))


def hard_shadow(
    shape: Shape, random: np.random.Generator, strength: float | None = None, through: tuple[float, float] | None = None
) -> Light:
    """A shadow with a straight edge at any angle, `strength` 0.4 to 0.85.

    The edge passes through the point (x, y), in shares of width and height; a random one in the middle if not given.
    """
    fall = random.uniform(0.4, 0.85) if strength is None else strength
    x, y = (random.uniform(0.2, 0.8), random.uniform(0.2, 0.8)) if through is None else through
    angle, softness = random.uniform(0, 2 * np.pi), max(0.7, max(shape) * random.uniform(0.0, 0.02))
    offset = coordinate(shape, angle) - (x * shape[1] * np.cos(angle) + y * shape[0] * np.sin(angle))
    return _as_light(1 - fall * np.clip(offset / softness + 0.5, 0, 1))


def polygon_shadow(shape: Shape, random: np.random.Generator, strength: float | None = None) -> Light:
    """The shadow of a phone, a hand or a window: a polygon with sharp edges, `strength` 0.4 to 0.85."""
    fall = random.uniform(0.4, 0.85) if strength is None else strength
    count = int(random.integers(3, 8))
    angles = np.sort(random.uniform(0, 2 * np.pi, count))
    radii = random.uniform(0.2, 0.9, count) * max(shape)
    middle = random.uniform(0, 1, 2) * (shape[1], shape[0])
    corners = [
        (float(middle[0] + r * np.cos(a)), float(middle[1] + r * np.sin(a))) for r, a in zip(radii, angles, strict=True)
    ]
    canvas = Image.new("L", (2 * shape[1], 2 * shape[0]))
    ImageDraw.Draw(canvas).polygon([(2 * x, 2 * y) for x, y in corners], fill=255)
    cover = np.asarray(canvas.reduce(2), np.float32) / 255
    return _as_light(1 - fall * (cover if random.random() < 0.6 else 1 - cover))


LIGHTS = (gradient_light, vignette, glare, soft_shadow, hard_shadow, polygon_shadow)


def any_light(shape: Shape, random: np.random.Generator) -> Light:
    """One of LIGHTS."""
    return LIGHTS[int(random.integers(len(LIGHTS)))](shape, random)


def lit(picture: NDArray[np.float32], light: Light) -> NDArray[np.float32]:
    """The picture (height, width, 3) under the light."""
    return (picture * light).clip(0, 1)


def _radius(shape: Shape, middle: tuple[float, float]) -> NDArray[np.float32]:
    """The distance of each pixel from a point, in shares of width and height; 1 at the corners if it is the middle."""
    across = (np.arange(shape[1]) / shape[1] - middle[0])[None, :]
    down = (np.arange(shape[0]) / shape[0] - middle[1])[:, None]
    radius: NDArray[np.float64] = np.hypot(across, down) / np.sqrt(0.5)
    return radius.astype(np.float32)


def _as_light(levels: NDArray[np.floating]) -> Light:
    return levels[..., None].astype(np.float32)
