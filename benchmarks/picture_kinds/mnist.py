"""MNIST's digits as files: what the front door makes of the network's own data."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from picture_kinds.kinds import Half, Hand, Random, encode, kind


@kind("MNIST, 28x28 PNG", is_mnist=True)
def as_it_is(hand: Hand, random: Random, half: Half) -> bytes:
    return encode(Image.fromarray(_image(hand)))


@kind("MNIST, padded to 64x64", is_mnist=True)
def padded(hand: Hand, random: Random, half: Half) -> bytes:
    return encode(Image.fromarray(np.pad(_image(hand), 18)))


@kind("MNIST, tightly cut", is_mnist=True)
def tight(hand: Hand, random: Random, half: Half) -> bytes:
    image = Image.fromarray(_image(hand))
    return encode(image.crop(image.getbbox()))


def _image(hand: Hand) -> NDArray[np.uint8]:
    if hand.image is None:
        raise ValueError("These kinds show digits of MNIST only.")
    return hand.image
