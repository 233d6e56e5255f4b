"""The exported network in memory: 28x28 pictures to probabilities, by ONNX Runtime on one thread."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.errors import DeviceUnavailable

Floats = NDArray[np.float32]

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}  # of ONNX Runtime, by device
TEMPERATURE, LEAST_CERTAINTY = "temperature", "least_certainty"  # names in an exported network's metadata
LEAST_CONFIDENCE = "least_confidence"  # the same for the highest probability alone: all that older files know


class DigitClassifier:
    """A network ready to answer, and `least_certainty` (models/acceptance.py), from which on to trust an answer."""

    def __init__(self, model: bytes, *, device: str = "cpu") -> None:
        """Raises DeviceUnavailable where `device`, cpu or cuda, is not to be had."""
        require_device(device)
        self._session = onnxruntime.InferenceSession(model, session_options(), providers=[PROVIDERS[device]])
        if PROVIDERS[device] not in self._session.get_providers():  # it goes on without, and only logs why
            raise DeviceUnavailable(
                f"ONNX Runtime could not start its {PROVIDERS[device]}: is there a GPU, and are its driver, CUDA "
                "and cuDNN of the versions that this onnxruntime-gpu wants? NUMERAL_SERVING_DEVICE=cpu does without."
            )
        facts = self._session.get_modelmeta().custom_metadata_map
        self.least_certainty = float(facts.get(LEAST_CERTAINTY, facts.get(LEAST_CONFIDENCE, 0.5)))
        self.predict(np.zeros((1, 28, 28), np.uint8))  # the first call allocates

    @classmethod
    def load(cls, path: Path) -> "DigitClassifier":
        return cls(path.read_bytes())

    def logits(self, pixels: Floats) -> Floats:
        """Calibrated scores (batch, 10) of pixels float32 (batch, 1, 28, 28) in 0..1, bright ink on dark."""
        scores: Floats = self._session.run(["logits"], {"image": pixels})[0]
        return scores

    def predict(self, images: NDArray[np.uint8] | Floats) -> Floats:
        """Probabilities (batch, 10) of pictures (batch, 28, 28) in 0..255, bright ink on dark."""
        return self.probabilities(images.astype(np.float32).reshape(-1, 1, 28, 28) / np.float32(255))

    def probabilities(self, pixels: Floats) -> Floats:
        """Probabilities (batch, 10) of pixels float32 (batch, 1, 28, 28) in 0..1, bright ink on dark."""
        return softmax(self.logits(pixels))


def session_options() -> onnxruntime.SessionOptions:
    """One thread without spinning: three times quicker here than ONNX Runtime's defaults."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False  # as quick without it here, and 10 MB smaller
    options.log_severity_level = 3
    return options


def require_device(device: str) -> None:
    """Raises DeviceUnavailable where the ONNX Runtime that is installed was not built for `device`."""
    available = onnxruntime.get_available_providers()
    if PROVIDERS[device] not in available:
        raise DeviceUnavailable(
            f"This ONNX Runtime has no {PROVIDERS[device]}, only {', '.join(available)}: install onnxruntime-gpu in "
            "the place of onnxruntime, or set NUMERAL_SERVING_DEVICE=cpu."
        )


def softmax(logits: Floats) -> Floats:
    """Probabilities (batch, classes) that sum to one, of scores (batch, classes)."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: Floats = powers / powers.sum(axis=1, keepdims=True)
    return probabilities
