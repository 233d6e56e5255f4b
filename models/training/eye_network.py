"""The eye's network: from the view of a picture to the ink of its digits.

A small U-Net (Ronneberger et al. 2015): the view is halved four times, so that the deepest layers see all of it, and
enlarged again, with what each size showed added (Lin et al. 2017, feature pyramids).
"""

from itertools import pairwise

from torch import Tensor, nn

from models.pictures.view import CHANNELS

WIDTHS = (16, 32, 64, 96)  # channels at a half, a quarter, an eighth and a sixteenth of the view's side


class Block(nn.Module):
    """A convolution, batch-norm and ReLU; the sides become `stride` times as small."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, features: Tensor) -> Tensor:
        return nn.functional.relu(self.norm(self.convolution(features)))


class EyeNetwork(nn.Module):
    """Views, float32 (batch, 6, height, width), to logits (batch, 2, height, width); sides are multiples of 16.

    The first logit is positive where a pixel is more likely than not ink of a digit, the second where it belongs to
    another mark: a frame, a line, a dot, small print.
    """

    def __init__(self) -> None:
        super().__init__()
        half = WIDTHS[0]
        self.stem = Block(CHANNELS, half, 5, 2)
        sizes = list(pairwise(WIDTHS))
        self.down = nn.ModuleList(Block(larger, smaller, 3, 2) for larger, smaller in sizes)
        self.deepen = nn.ModuleList(Block(smaller, smaller, 3, 1) for _, smaller in sizes)
        self.narrow = nn.ModuleList(nn.Conv2d(smaller, larger, 1) for larger, smaller in reversed(sizes))
        self.up = nn.ModuleList(Block(larger, larger, 3, 1) for larger, _ in reversed(sizes))
        self.head = nn.Conv2d(half, 8, 3, padding=1)  # two logits for the four pixels of each pixel at half size

    def forward(self, views: Tensor) -> Tensor:
        found = [self.stem(views)]
        for down, deepen in zip(self.down, self.deepen, strict=True):
            found.append(deepen(down(found[-1])))
        ink = found.pop()
        for narrow, up in zip(self.narrow, self.up, strict=True):
            ink = up(nn.functional.interpolate(narrow(ink), scale_factor=2.0, mode="nearest") + found.pop())
        return nn.functional.pixel_shuffle(self.head(ink), 2)
