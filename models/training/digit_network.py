"""The digit recogniser: a convolutional network of exactly 16,562 trainable parameters.

Nine layers have weights or pool: seven convolutions and two max-poolings, then an average pool and one
linear layer. No convolution pads, so 28x28 shrinks to 2x2 before the average:

    28 -conv1-> 26 -conv2-> 24 -conv3-> 24 -pool-> 12 -conv4-> 10 -conv5-> 8 -conv6-> 8 -pool-> 4 -conv7-> 2 -> 1

The architecture and the constants are those of the published reference (MPGarg/ERA1_Session6).
"""

import torch
from torch import Tensor, nn

PIXEL_MEAN = 0.1307  # of MNIST's training pixels in 0..1
PIXEL_STD = 0.3081
PARAMETERS = 16_562


class DigitNetwork(nn.Module):
    """28x28 grey pictures, bright ink on dark, to log-probabilities of the ten digits."""

    def __init__(self, *, dropout: float = 0.05) -> None:
        super().__init__()
        self.conv1 = _convolve_normalise(1, 16, dropout)
        self.conv2 = _convolve_normalise(16, 32, dropout)
        self.conv3 = nn.Conv2d(32, 8, kernel_size=1)
        self.conv4 = _convolve_normalise(8, 16, dropout)
        self.conv5 = _convolve_normalise(16, 32, dropout)
        self.conv6 = nn.Conv2d(32, 16, kernel_size=1)
        self.conv7 = nn.Conv2d(16, 32, kernel_size=3)
        self.linear = nn.Linear(32, 10)

    def forward(self, pixels: Tensor) -> Tensor:
        """Log-probabilities (batch, 10) of float pixels (batch, 1, 28, 28) in 0..1."""
        return nn.functional.log_softmax(self.logits(pixels).float(), dim=1)  # float32 under autocast, too

    def logits(self, pixels: Tensor) -> Tensor:
        """Scores (batch, 10) before the softmax, for the same pixels as `forward`."""
        x = (pixels - PIXEL_MEAN) / PIXEL_STD
        x = self.conv3(self.conv2(self.conv1(x)))  # (batch, 8, 24, 24)
        x = nn.functional.max_pool2d(x, 2)
        x = self.conv6(self.conv5(self.conv4(x)))  # (batch, 16, 8, 8)
        x = nn.functional.max_pool2d(x, 2)
        x = torch.relu(self.conv7(x))  # (batch, 32, 2, 2)
        scores: Tensor = self.linear(x.mean(dim=(2, 3)))
        return scores


def _convolve_normalise(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel_size=3)
    layers: list[nn.Module] = [convolution, nn.ReLU(), nn.BatchNorm2d(outputs)]
    if dropout > 0:  # nn.Dropout(0) would draw random numbers all the same
        layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)


def count_parameters(network: nn.Module) -> int:
    """Returns the number of trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
