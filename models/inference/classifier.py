"""The exported digit classifier: probabilities for 28x28 pictures, by ONNX Runtime on one thread."""

from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.arrays import Floats
from models.errors import DeviceUnavailable
from models.onnx_session import session_options

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}  # of ONNX Runtime, by device
TEMPERATURE, MIN_MARGIN = "temperature", "min_margin"  # keys of an exported network's metadata
OLD_MIN_MARGIN = "least_certainty"  # the same key in files written before it was renamed
NO_MIN_MARGIN = 0.5  # the lowest margin there is, for files without the key: release 0.1.0 wrote no metadata
LAYERS = {  # the name of each layer's output in the file, after the ReLU where it has one
    "conv1": "relu_1", "conv2": "relu_3", "conv3": "conv_4", "pool1": "maxpool_5",
    "conv4": "relu_7", "conv5": "relu_9", "conv6": "conv_10", "pool2": "maxpool_11",
    "conv7": "relu_13", "average": "globalaveragepool_14",
}  # fmt: skip


class DigitClassifier:
    """An ONNX session for the network, and `min_margin` (see acceptance.py), from which predictions are accepted."""

    def __init__(self, model: bytes, *, device: str = "cpu") -> None:
        """`device` is cpu or cuda. Raises DeviceUnavailable."""
        require_device(device)
        self._model = model
        self._session = onnxruntime.InferenceSession(model, session_options(), providers=[PROVIDERS[device]])
        if (
            PROVIDERS[device] not in self._session.get_providers()
        ):  # ONNX Runtime falls back to the CPU and only logs why
            raise DeviceUnavailable(
                f"ONNX Runtime could not start its {PROVIDERS[device]}. Check that there is a GPU and that its driver, "
                "CUDA and cuDNN have the versions that this onnxruntime-gpu needs, or set NUMERAL_SERVING_DEVICE=cpu."
            )
        self.min_margin = read_min_margin(self._session)
        self.predict(np.zeros((1, 28, 28), np.uint8))  # the first call allocates

    @classmethod
    def load(cls, path: Path) -> "DigitClassifier":
        return cls(path.read_bytes())

    def logits(self, pixels: Floats) -> Floats:
        """Calibrated logits (batch, 10) of pixels (batch, 1, 28, 28) in 0..1, bright ink on dark."""
        logits: Floats = self._session.run(["logits"], {"image": pixels})[0]
        return logits

    def predict(self, images: NDArray[np.uint8] | Floats) -> Floats:
        """Probabilities (batch, 10) of images (batch, 28, 28) in 0..255, bright ink on dark."""
        return self.probabilities(images.astype(np.float32).reshape(-1, 1, 28, 28) / np.float32(255))

    def probabilities(self, pixels: Floats) -> Floats:
        """Probabilities (batch, 10) of pixels (batch, 1, 28, 28) in 0..1, bright ink on dark."""
        return softmax(self.logits(pixels))

    def activations(self, pixels: Floats) -> dict[str, Floats]:
        """What each layer computes of pixels (batch, 1, 28, 28): (batch, channels, height, width) by its name."""
        return dict(zip(LAYERS, self._layer_session.run(list(LAYERS.values()), {"image": pixels}), strict=True))

    @cached_property
    def _layer_session(self) -> onnxruntime.InferenceSession:
        """A session of its own, once it is needed: with more outputs, the one that predicts would be slower."""
        model = self._model + b"".join(_add_output(name) for name in LAYERS.values())
        return onnxruntime.InferenceSession(model, session_options(), providers=[PROVIDERS["cpu"]])


def require_device(device: str) -> None:
    """Raises DeviceUnavailable if the installed ONNX Runtime was built without support for `device`."""
    available = onnxruntime.get_available_providers()
    if PROVIDERS[device] not in available:
        raise DeviceUnavailable(
            f"This ONNX Runtime has no {PROVIDERS[device]}, only {', '.join(available)}: install onnxruntime-gpu "
            "instead of onnxruntime, or set NUMERAL_SERVING_DEVICE=cpu."
        )


def read_min_margin(session: onnxruntime.InferenceSession) -> float:
    """The margin that the file's metadata states, under its present or its old key."""
    metadata = session.get_modelmeta().custom_metadata_map
    return float(metadata.get(MIN_MARGIN, metadata.get(OLD_MIN_MARGIN, NO_MIN_MARGIN)))


def softmax(logits: Floats) -> Floats:
    """Probabilities (batch, classes), which sum to one, of logits (batch, classes)."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: Floats = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def _add_output(name: str) -> bytes:
    """Returns what makes an inner value an output of the graph, when it is appended to an ONNX file.

    An ONNX file is a message of Protocol Buffers: one that is appended to another is merged with it, and its lists are
    joined. The numbers are those of the fields ModelProto.graph, GraphProto.output and ValueInfoProto.name.
    """
    content = name.encode()
    for field in (1, 12, 7):
        content = bytes((field << 3 | 2, len(content))) + content
    return content
