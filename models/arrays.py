"""The array types that the packages below `models` share."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
