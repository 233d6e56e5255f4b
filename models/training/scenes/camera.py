"""What a camera or a scanner does to a picture, float32 (height, width, 3) in 0..1.

All but `rescaled` keep its shape.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from models.training.scenes.colours import Picture
from models.training.scenes.images import to_bytes, to_floats
from models.training.scenes.noise import grain, smooth_noise

Mask = NDArray[np.float32]  # ink coverage (height, width)


def blurred(picture: Picture, random: np.random.Generator, radius: float | None = None) -> Picture:
    """Out of focus: `radius` is the standard deviation in pixels; up to 1 % of the longer side if not given."""
    sigma = max(picture.shape) * random.uniform(0.002, 0.01) if radius is None else radius
    out: Picture = ndimage.gaussian_filter(picture, (sigma, sigma, 0), truncate=3)
    return out


def motion_blurred(picture: Picture, random: np.random.Generator, length: float | None = None) -> Picture:
    """The mean of 7 pictures that are shifted in one direction, over `length` pixels."""
    reach = max(picture.shape) * random.uniform(0.005, 0.03) if length is None else length
    angle = random.uniform(0, np.pi)
    shifts = {
        (round(reach * part * np.sin(angle)), round(reach * part * np.cos(angle))) for part in np.linspace(-0.5, 0.5, 7)
    }
    mean: Picture = np.mean([_shifted(picture, down, right) for down, right in shifts], axis=0, dtype=np.float32)
    return mean


def noisy(picture: Picture, random: np.random.Generator, strength: float | None = None) -> Picture:
    """A sensor's noise, grey or coloured, of the standard deviation `strength`, 0.01 to 0.12."""
    sigma = random.uniform(0.01, 0.12) if strength is None else strength
    height, width, _ = picture.shape
    planes = 1 if random.random() < 0.5 else 3
    return (picture + grain((height, width, planes), sigma, random)).clip(0, 1)


def salt_and_pepper(picture: Picture, random: np.random.Generator, share: float | None = None) -> Picture:
    """Makes a share of the pixels, 0.002 to 0.05, black or white."""
    hit = random.uniform(0.002, 0.05) if share is None else share
    draw = random.random(picture.shape[:2], dtype=np.float32)[..., None]
    return np.where(draw < hit / 2, np.float32(0), np.where(draw > 1 - hit / 2, np.float32(1), picture))


def low_contrast(picture: Picture, random: np.random.Generator, share: float | None = None) -> Picture:
    """Leaves a share of the contrast, 0.15 to 0.6, around some level."""
    left = random.uniform(0.15, 0.6) if share is None else share
    return (picture * left + random.uniform(0, 1 - left)).astype(np.float32)


def as_jpeg(picture: Picture, random: np.random.Generator, quality: int | None = None) -> Picture:
    """Encodes as JPEG of this quality, 8 to 90, and decodes it."""
    file = io.BytesIO()
    Image.fromarray(to_bytes(picture)).save(
        file, "JPEG", quality=int(random.integers(8, 91)) if quality is None else quality
    )
    return to_floats(Image.open(file).convert("RGB"))


def rescaled(picture: Picture, size: tuple[int, int], smooth: bool = True) -> Picture:
    """The picture at another size (height, width): by averaging, bilinear, or from nearest pixels if not smooth."""
    is_smaller = size[0] * size[1] < picture.shape[0] * picture.shape[1]
    method = (Image.Resampling.BOX if is_smaller else Image.Resampling.BILINEAR) if smooth else Image.Resampling.NEAREST
    planes = [Image.fromarray(np.ascontiguousarray(picture[..., index])) for index in range(3)]
    return np.stack([np.asarray(plane.resize((size[1], size[0]), method)) for plane in planes], axis=2)


def coarse(picture: Picture, random: np.random.Generator, factor: float | None = None) -> Picture:
    """Reduces by a factor, 1.2 to 4, and enlarges again: smoothly or to squares."""
    divisor = random.uniform(1.2, 4) if factor is None else factor
    height, width, _ = picture.shape
    small = rescaled(picture, (max(1, round(height / divisor)), max(1, round(width / divisor))))
    return rescaled(small, (height, width), smooth=random.random() < 0.6)


def posterised(picture: Picture, random: np.random.Generator, levels: int | None = None) -> Picture:
    """Leaves 2 to 8 levels of each colour."""
    steps = (int(random.integers(2, 9)) if levels is None else levels) - 1
    return np.round(picture * steps) / np.float32(steps)


def one_bit(picture: Picture, random: np.random.Generator, threshold: float | None = None) -> Picture:
    """Black and white by a threshold, between the darkest and the brightest level if not given."""
    grey = picture.mean(axis=2, keepdims=True)
    limit = grey.min() + random.uniform(0.35, 0.65) * np.ptp(grey) if threshold is None else threshold
    return np.repeat((grey > limit).astype(np.float32), 3, axis=2)


def gamma(picture: Picture, random: np.random.Generator, exponent: float | None = None) -> Picture:
    """Brightens (exponent below 1) or darkens the middle levels, 0.5 to 2."""
    return picture ** np.float32(2 ** random.uniform(-1, 1) if exponent is None else exponent)


def colour_cast(picture: Picture, random: np.random.Generator, strength: float = 0.25) -> Picture:
    """The light of a lamp: each colour is weakened by up to `strength`."""
    return picture * (1 - random.random(3) * strength).astype(np.float32)


def warped(
    picture: Picture,
    masks: list[Mask],
    random: np.random.Generator,
    angle: float | None = None,
    perspective: float | None = None,
) -> tuple[Picture, list[Mask]]:
    """Turns the picture and its masks by `angle` degrees (up to 20) around the middle, with a perspective.

    `perspective` (0 to 0.15) is how far the corners move, in shares of the sides. What comes from outside continues
    the picture's edge.
    """
    height, width, _ = picture.shape
    turn = np.radians(random.uniform(-20, 20) if angle is None else angle)
    moved = (
        (random.uniform(0, 0.08) if perspective is None else perspective)
        * random.uniform(-1, 1, (4, 2))
        * (width, height)
    )
    middle = np.array([width / 2, height / 2])
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    sources = (corners - middle) @ rotation + middle + moved
    pad = max(height, width) // 3
    coefficients = _perspective(corners, sources + pad)
    planes = [
        _transformed(np.pad(picture[..., index], pad, mode="edge"), coefficients, (width, height)) for index in range(3)
    ]
    return np.stack(planes, axis=2), [_transformed(np.pad(mask, pad), coefficients, (width, height)) for mask in masks]


def uneven_exposure(picture: Picture, random: np.random.Generator) -> Picture:
    """Brightness that varies a little across the picture, as of a scanner's lid that is not closed."""
    light = np.float32(0.8) + np.float32(0.4) * smooth_noise(picture.shape[:2], max(picture.shape) / 2, random)
    return (picture * light[..., None]).clip(0, 1)


def _shifted(picture: Picture, down: int, right: int) -> Picture:
    """Moves the picture; its edges continue."""
    reach = max(abs(down), abs(right))
    padded = np.pad(picture, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    height, width, _ = picture.shape
    return padded[reach - down : reach - down + height, reach - right : reach - right + width]


def _perspective(targets: NDArray[np.float64], sources: NDArray[np.float64]) -> list[float]:
    """The eight coefficients with which Pillow finds the source of each target pixel, from four corners (4, 2)."""
    rows, values = [], []
    for (x, y), (from_x, from_y) in zip(targets, sources, strict=True):
        rows += [(x, y, 1, 0, 0, 0, -from_x * x, -from_x * y), (0, 0, 0, x, y, 1, -from_y * x, -from_y * y)]
        values += [from_x, from_y]
    return [float(value) for value in np.linalg.solve(np.array(rows), np.array(values))]


def _transformed(plane: Mask, coefficients: list[float], size: tuple[int, int]) -> Mask:
    image = Image.fromarray(np.ascontiguousarray(plane))
    return np.asarray(image.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR))
