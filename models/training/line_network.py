"""The line reader's network: convolutions over a line of digits, and a column of scores for every two of its pixels.

It is trained by connectionist temporal classification (Graves et al. 2006): every column names one of the ten digits
or none, and the line's text is what is left once repetitions and nones are dropped.
"""

from torch import Tensor, nn

from models.pictures.line_format import BLANK, HEIGHT

CLASSES = BLANK + 1
CHANNELS = (16, 32, 48, 96)


def line_network() -> nn.Sequential:
    """Scores (batch, 11, 1, width / 2) of strips float32 (batch, 1, 32, width) in 0..1, bright ink on dark."""
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
        *_convolve(third, last, (HEIGHT // 8, 3), (0, 1)),  # from here on a row of columns
        nn.Dropout(0.1),
        *_convolve(last, last, (1, 5), (0, 2)),
        nn.Conv2d(last, CLASSES, 1),
    )


def log_probabilities(network: nn.Module, strips: Tensor) -> Tensor:
    """Log-probabilities (width / 2, batch, 11), as torch's CTCLoss takes them."""
    scores: Tensor = network(strips)
    return scores[:, :, 0].permute(2, 0, 1).log_softmax(dim=2)


def _convolve(
    inputs: int, outputs: int, kernel: int | tuple[int, int], padding: int | tuple[int, int]
) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, kernel, padding=padding, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
