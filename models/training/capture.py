"""Steps of a training without the host: captured once as a CUDA graph, then replayed.

A step of a small network is a few hundred kernels of microseconds each; to launch them one by one takes the host longer
than the GPU needs to compute them. A graph launches them together. What changes from step to step is in tensors that
the graph reads: the batch's indices, the learning rate, the weight of the average. Random numbers come from the
device's generator, whose seed a replay reads anew.

Without a GPU the same steps are run with `run_eagerly` in place of the capture (tests/models/training/test_capture.py).
"""

import contextlib
import logging
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

logger = logging.getLogger(__name__)

WARM_UP_STEPS = 3  # of each shape, before the capture: libraries choose their algorithms and allocate in them
STEPS_PER_LOOK = 50  # on a GPU, between two looks at the loss and at whether to stop: each waits for the GPU

Step = Callable[[], None]
Capture = Callable[[Step], Step]  # returns what runs the step again


def capture_graph(step: Step) -> Step:
    """Returns what replays the step. Captures on the current stream, which must not be the default one."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):  # records, does not run
        step()
    return graph.replay


def run_eagerly(step: Step) -> Step:
    """The stand-in for `capture_graph` on a CPU."""
    return step


@contextlib.contextmanager
def own_stream(device: torch.device) -> Iterator[None]:
    """On a GPU, everything in the block runs on one stream of its own, since the default one cannot be captured."""
    if device.type != "cuda":
        yield
        return
    outside, stream = torch.cuda.current_stream(device), torch.cuda.Stream(device)
    stream.wait_stream(outside)
    with torch.cuda.stream(stream):
        yield
    outside.wait_stream(stream)


@dataclass
class _Shape:
    """The steps of one kind: where they read the indices of their batch, how many were run, and the captured one."""

    indices: Tensor
    done: int = 0
    replay: Step | None = None


class CapturedSteps:
    """Runs steps that differ in the indices of their batch alone, for each `key` another one."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._shapes: dict[Hashable, _Shape] = {}

    def run(self, key: Hashable, indices: Tensor, learn: Callable[[Tensor], None]) -> None:
        """Run `learn` on the batch. All calls with one key must have as many indices, and do the same."""
        shape = self._shapes.setdefault(key, _Shape(torch.empty_like(indices)))
        shape.indices.copy_(indices)
        if shape.replay is None and shape.done == WARM_UP_STEPS:
            shape.replay = self._try_to_capture(lambda: learn(shape.indices))
        if shape.replay is not None:
            shape.replay()
        else:
            learn(shape.indices)
        shape.done += 1

    def _try_to_capture(self, step: Step) -> Step:
        try:
            return self._capture(step)
        except RuntimeError as error:  # the training is worth more than its speed
            logger.warning("a step could not be captured and is run as it is: %s", error)
            return step
