"""Writes why a picture was read so: numbers for the saliency, a sheet of pictures for each layer."""

from typing import Any

import numpy as np

from app.api.responses import as_data_url, encode_png
from models.arrays import Floats
from models.inference.explanation import Explanation

COLUMNS = 8  # of a sheet; every layer has a multiple of eight channels
MAX_LEVEL = 255  # of grey


def encode_explanation(explanation: Explanation) -> dict[str, Any]:
    """Returns the document: 25 to 30 kB, most of which are the sheets."""
    return {
        "saliency": np.round(explanation.saliency.astype(np.float64), 3).tolist(),
        "activations": [_encode_layer(name, values) for name, values in explanation.activations.items()],
    }


def _encode_layer(name: str, values: Floats) -> dict[str, Any]:
    """Black stands for `low` and white for `high`; where values are negative, grey is zero."""
    channels, height, width = values.shape
    high = float(np.abs(values).max())
    low = -high if values.min() < 0 else 0.0
    levels = np.round((values - low) * (MAX_LEVEL / (high - low or 1.0))).astype(np.uint8)
    rows = levels.reshape(-1, COLUMNS, height, width)
    sheet = rows.transpose(0, 2, 1, 3).reshape(-1, COLUMNS * width)
    return {
        "name": name,
        "channels": channels,
        "height": height,
        "width": width,
        "low": low,
        "high": high,
        "sheet": as_data_url(encode_png(sheet)),
    }
