"""Exports the trained network: weights as safetensors, and a folded ONNX graph for serving.

The trained network is convolution, relu, batch-norm, next convolution. At inference a batch-norm is a scale and a
shift per channel, and without padding both go exactly into the *next* convolution's weights and bias:

    conv(s * x + t) has weights w * s and bias b + sum(w * t)

The normalisation of the pixels goes into the first convolution likewise. Seven Conv, two MaxPool and one Gemm are left.
"""

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from models.errors import ModelError
from models.inference.classifier import MIN_MARGIN, TEMPERATURE, DigitClassifier
from models.training.data import Split
from models.training.digit_network import PIXEL_MEAN, PIXEL_STD, DigitNetwork
from models.training.onnx_graph import GraphBuilder

MAX_LOGIT_DIFFERENCE = 1e-4  # between torch and ONNX Runtime, both float32

Weights = tuple[Tensor, Tensor]  # of one layer: weight (out, in, k, k) or (out, in), and bias (out,)


class ExportMismatch(ModelError):
    """The exported network does not compute what the trained one does."""


def to_safetensors(network: nn.Module) -> bytes:
    """Returns the network's weights and batch-norm statistics, without pickle."""
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()})


def to_onnx(network: DigitNetwork, *, temperature: float = 1.0, min_margin: float = 0.5) -> bytes:
    """Returns the folded network, from `image` float32 (batch, 1, 28, 28) in 0..1 to `logits` float32 (batch, 10).

    The last layer divides the logits by `temperature`, so that their softmax gives calibrated probabilities. The
    temperature and `min_margin` are in the file's metadata.
    """
    layers = fold(network)
    weight, bias = layers["linear"]
    layers["linear"] = weight / temperature, bias / temperature
    builder = GraphBuilder("digits", ("image", ["batch", 1, 28, 28]), ("logits", ["batch", 10]))
    for name, pooled in zip(("conv1", "conv2", "conv3", "conv4", "conv5", "conv6", "conv7"), "  p  p ", strict=True):
        builder.add("Conv", name, *layers[name])
        if name not in ("conv3", "conv6"):  # the 1x1 convolutions have no activation
            builder.add("Relu")
        if pooled == "p":
            builder.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    builder.add("GlobalAveragePool")
    builder.add("Flatten")
    builder.add("Gemm", "linear", *layers["linear"], transB=1)
    return builder.serialize({TEMPERATURE: str(temperature), MIN_MARGIN: str(min_margin)})


def fold(network: DigitNetwork) -> dict[str, Weights]:
    """Returns weight and bias of every layer, each normalisation folded into the layer that follows it."""
    scale, shift = torch.tensor([1 / PIXEL_STD]).double(), torch.tensor([-PIXEL_MEAN / PIXEL_STD]).double()
    folded: dict[str, Weights] = {}
    for name in ("conv1", "conv2", "conv3", "conv4", "conv5", "conv6", "conv7"):
        block = getattr(network, name)
        convolution = block[0] if isinstance(block, nn.Sequential) else block
        weight, bias = _parameters(convolution)
        folded[name] = (
            weight * scale[None, :, None, None],
            bias + (weight.sum(dim=(2, 3)) * shift[None, :]).sum(dim=1),
        )
        scale, shift = _affine(block[2]) if isinstance(block, nn.Sequential) else _identity(len(bias))
    folded["linear"] = _parameters(network.linear)
    return folded


def check_export(network: DigitNetwork, model: bytes, split: Split, *, temperature: float = 1.0) -> float:
    """Returns the largest difference of a calibrated logit over `split`.

    Raises ExportMismatch if it is above 1e-4 or a predicted digit differs.
    """
    classifier = DigitClassifier(model)
    largest = 0.0
    network.eval()
    for images in split.images.split(500):
        pixels = images.float() / 255
        with torch.inference_mode():
            ours = network.logits(pixels).numpy() / np.float32(temperature)
        theirs = classifier.logits(pixels.numpy())
        largest = float(np.maximum(largest, np.abs(ours - theirs).max()))
        is_close = largest <= MAX_LOGIT_DIFFERENCE  # False where a logit is not a number
        if not is_close or (ours.argmax(axis=1) != theirs.argmax(axis=1)).any():
            raise ExportMismatch(f"The ONNX file differs from the trained network by {largest:.2g} in a logit.")
    return largest


def _parameters(layer: nn.Module) -> Weights:
    weight, bias = layer.get_parameter("weight"), layer.get_parameter("bias")
    return weight.detach().cpu().double(), bias.detach().cpu().double()


def _affine(norm: nn.Module) -> Weights:
    """Returns scale and shift per channel of a batch-norm at inference."""
    if not isinstance(norm, nn.BatchNorm2d) or norm.running_mean is None or norm.running_var is None:
        raise TypeError("a batch-norm with running statistics was expected after the activation")
    scale = norm.weight.detach().cpu().double() / torch.sqrt(norm.running_var.cpu().double() + norm.eps)
    return scale, norm.bias.detach().cpu().double() - norm.running_mean.cpu().double() * scale


def _identity(channels: int) -> Weights:
    return torch.ones(channels).double(), torch.zeros(channels).double()
