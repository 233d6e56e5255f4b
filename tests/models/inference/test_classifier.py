import numpy as np
import onnxruntime
import pytest

from app.registry.service import SHIPPED
from models.errors import DeviceUnavailable
from models.inference.classifier import DigitClassifier
from models.training.data import Dataset

needs_no_cuda = pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="this ONNX Runtime was built for CUDA"
)


def test_pixels_and_pictures_give_the_same_probabilities(mnist: Dataset) -> None:
    classifier = DigitClassifier.load(SHIPPED / "model.onnx")
    images = mnist.test.images[:64].numpy()
    by_pixels = classifier.probabilities(images.astype(np.float32) / 255)
    assert np.array_equal(by_pixels, classifier.predict(images[:, 0]))
    assert np.abs(by_pixels.sum(axis=1) - 1).max() < 1e-6


@needs_no_cuda
def test_device_that_is_not_there_is_refused_with_what_to_do() -> None:
    with pytest.raises(DeviceUnavailable, match="install onnxruntime-gpu"):
        DigitClassifier((SHIPPED / "model.onnx").read_bytes(), device="cuda")
