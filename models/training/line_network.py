"""The line reader's network: convolutions over the image of a line of digits, one column of scores per two pixels.

It is trained by connectionist temporal classification (Graves et al. 2006): each column predicts one of the ten digits
or the blank, and the text is what remains when repetitions and then blanks are dropped.
"""

from torch import Tensor, nn

from models.pictures.line_format import BLANK, HEIGHT

CLASSES = BLANK + 1
CHANNELS = (24, 48, 64, 128)


def line_network() -> nn.Sequential:
    """Line images, float32 (batch, 1, 32, width) in 0..1, bright ink on dark, to scores (batch, 11, 1, width / 2)."""
    first, second, third, last = CHANNELS
    return nn.Sequential(
        *_convolve(1, first, 3, 1),
        nn.MaxPool2d(2),
        *_convolve(first, second, 3, 1),
        nn.MaxPool2d((2, 1)),
        *_convolve(second, third, 3, 1),
        *_convolve(third, third, 3, 1),
        nn.MaxPool2d((2, 1)),
        *_convolve(third, third, 3, 1),
        *_convolve(third, last, (HEIGHT // 8, 3), (0, 1)),  # height 1 from here on
        nn.Dropout(0.1),
        *_convolve(last, last, (1, 5), (0, 2)),
        nn.Conv2d(last, CLASSES, 1),
    )


def log_probabilities(network: nn.Module, line_images: Tensor) -> Tensor:
    """Returns log-probabilities (width / 2, batch, 11), the shape that torch's CTC loss takes."""
    scores: Tensor = network(line_images)
    return scores[:, :, 0].permute(2, 0, 1).float().log_softmax(dim=2)


def _convolve(
    inputs: int, outputs: int, kernel: int | tuple[int, int], padding: int | tuple[int, int]
) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, kernel, padding=padding, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
