"""The use case of serving: decode, normalise, predict, judge, count. Everything that HTTP offers of it comes here."""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from app.errors import AppError
from app.metrics.recorder import Recorder
from app.serving.engine import Answer, Engine
from app.serving.preparation import PictureReader, Pixels, Preparation, Prepared, without_evidence
from app.serving.request_context import RequestContext
from models.errors import ModelError
from models.inference.acceptance import rejection_reason
from models.inference.explanation import Explanation, explain
from models.inference.line_reader import LineReader
from models.inference.reading import ReadDigit, choose_digits
from models.inference.segmentation import Segmentation
from models.pictures.mnist_format import Normalised
from models.pictures.rejection import RejectionReason

INLINE_TENSOR_BYTES = 65_536  # 20 pictures in binary


class TensorRequest(Protocol):
    """A decoded request about pictures float32 (n, 1, 28, 28) in 0..1."""

    @property
    def pixels(self) -> Pixels: ...

    @property
    def timeout_seconds(self) -> float | None: ...


Request = TypeVar("Request", bound=TensorRequest)


class Prediction(NamedTuple):
    """The digit in one picture, and whether to trust it."""

    version: str
    probabilities: Pixels  # (10,)
    reason: RejectionReason | None  # None if it is accepted
    normalised: Normalised | None  # how the picture became 28x28; None for pixels, which are taken as they are
    pixels: Pixels  # (28, 28), 0..1: what the network read
    id: str | None  # by which feedback can name it; None where pictures are not kept

    @property
    def digit(self) -> int:
        return int(self.probabilities.argmax())


class Reading(NamedTuple):
    """The digits of a page, line by line."""

    version: str
    lines: list[list[ReadDigit]]
    segmentation: Segmentation


class TensorPrediction(NamedTuple, Generic[Request]):
    """Probabilities (n, 10) of a tensor request, and how long decoding and predicting took."""

    request: Request
    version: str
    probabilities: Pixels
    input_ns: int
    inference_ns: int


class Predictor:
    """Belongs to one event loop. Every method raises Overloaded, DeadlineExceeded, ClientGone, ModelNotFound and
    ModelNotLoaded beside the errors of its input."""

    def __init__(
        self,
        engine: Engine,
        preparation: Preparation,
        line_reader: LineReader,
        recorder: Recorder,
        *,
        keep: Callable[[Pixels], str] | None = None,
    ) -> None:
        """`keep` keeps a picture (28, 28), 0..1, for feedback, and returns its id."""
        self._engine, self._preparation, self._line_reader, self._recorder = engine, preparation, line_reader, recorder
        self._keep = keep

    async def one(
        self,
        read: PictureReader,
        *,
        size_bytes: int,
        model: str,
        context: RequestContext,
        has_evidence: bool = False,
    ) -> Prediction:
        """The digit in one picture; with the evidence, if asked for. Raises InvalidInput, PictureRefused."""
        await self._engine.require_room()
        prepared = await self._preparation.prepare(read, size_bytes, context)
        if not has_evidence:
            prepared = without_evidence(prepared)
        answer = await self._engine.predict(model, prepared.pixels[None, None], context)
        return self._judge(prepared, answer, answer.probabilities[0])

    async def explain(self, prediction: Prediction, context: RequestContext) -> Explanation:
        """Why the picture was read so. It takes a hundred times the work of a prediction, so it has a thread."""
        served = await self._engine.choose(prediction.version)
        return await self._preparation.medium.run(partial(explain, served.classifier, prediction.pixels), context)

    async def many(
        self, split: Callable[[], Iterable[PictureReader]], *, model: str, context: RequestContext
    ) -> list[Prediction | AppError | ModelError]:
        """The digits in several pictures, in order; the error of one that cannot be read stands in its place.

        `split` separates the pictures and may take long. Raises InvalidInput where it cannot.
        """
        await self._engine.require_room()
        found = await self._preparation.prepare_all(split, context)
        readable = [each for each in found if isinstance(each, Prepared)]
        pixels = np.array([prepared.pixels for prepared in readable], np.float32).reshape(-1, 1, 28, 28)
        answer = await self._engine.predict(model, pixels, context)
        rows = iter(answer.probabilities)
        return [self._judge(each, answer, next(rows)) if isinstance(each, Prepared) else each for each in found]

    async def lines(self, read: PictureReader, *, model: str, context: RequestContext) -> Reading:
        """All digits of a picture, line by line. Raises InvalidInput, PictureRefused."""
        await self._engine.require_room()
        found = await self._preparation.segment(read, self._line_reader, context)
        answer = await self._engine.predict(model, found.pixels(), context)
        lines = choose_digits(found, answer.probabilities, answer.min_margin)
        for digit in (digit for line in lines for digit in line):
            self._recorder.record_prediction(answer.version, digit.digit, _accepted(digit.reason))
        return Reading(answer.version, lines, found)

    async def tensors(
        self, read: Callable[[], Request], *, is_small: bool, model: str, arrived: float, context: RequestContext
    ) -> TensorPrediction[Request]:
        """The digits in pictures that are 28x28 already. Nothing is judged: the protocol has no field for acceptance.

        `arrived`, by time.monotonic(), is when the request's own timeout began.
        """
        start = time.perf_counter_ns()
        await self._engine.require_room()
        request = read() if is_small else await self._preparation.small.run(read, context)
        if request.timeout_seconds is not None:
            context = context.until(arrived + request.timeout_seconds)
        decoded = time.perf_counter_ns()
        answer = await self._engine.predict(model, request.pixels, context)
        computed = time.perf_counter_ns()
        for digit in answer.probabilities.argmax(axis=1).tolist():
            self._recorder.record_prediction(answer.version, digit, "not_judged")
        return TensorPrediction(request, answer.version, answer.probabilities, decoded - start, computed - decoded)

    def _judge(self, prepared: Prepared, answer: Answer, probabilities: Pixels) -> Prediction:
        reason = rejection_reason(probabilities, prepared.pixels, answer.min_margin, prepared.normalised)
        kept_id = self._keep(prepared.pixels) if self._keep else None
        prediction = Prediction(answer.version, probabilities, reason, prepared.normalised, prepared.pixels, kept_id)
        self._recorder.record_prediction(answer.version, prediction.digit, _accepted(reason))
        return prediction


def _accepted(reason: str | None) -> str:
    return "true" if reason is None else "false"
