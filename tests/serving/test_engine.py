import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.errors import ClientGone, DeadlineExceeded, Overloaded
from app.metrics.metrics import Metrics
from app.metrics.recorder import Recorder
from app.registry.service import SHIPPED
from app.serving.engine import (
    LARGE_REQUEST_PICTURES,
    MAX_BATCH_PICTURES,
    MAX_LARGE_REQUESTS,
    MAX_PICTURES,
    Answer,
    Engine,
)
from app.serving.load_shedding import MAX_DELAY_SECONDS, REJECTIONS_PER_SECOND, LoadShedder
from app.serving.model_cache import ServedModel
from app.serving.request_context import RequestContext
from models.inference.classifier import DigitClassifier

Floats = NDArray[np.float32]


class RecordingClassifier(DigitClassifier):
    """The shipped network; it remembers the sizes of the batches that it was given, and may fail."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.is_broken = False
        super().__init__((SHIPPED / "model.onnx").read_bytes())
        self.sizes.clear()

    def probabilities(self, pixels: Floats) -> Floats:
        self.sizes.append(len(pixels))
        if self.is_broken:
            raise RuntimeError("the network is broken")
        return super().probabilities(pixels)


class TwoVersions:
    """Two versions in memory, as ModelCache would hold them."""

    def __init__(self) -> None:
        self.champion = ServedModel("1", RecordingClassifier())
        self.other = ServedModel("2", RecordingClassifier())

    def get_cached(self, name: str) -> ServedModel | None:
        return self.champion if name == "champion" else None

    def get(self, name: str) -> ServedModel:
        return {"champion": self.champion, "1": self.champion, "2": self.other}[name]

    @property
    def sizes(self) -> list[int]:
        return self.champion.classifier.sizes  # type: ignore[attr-defined, no-any-return]


@pytest.fixture
def versions() -> TwoVersions:
    return TwoVersions()


def pictures(count: int) -> Floats:
    return np.random.default_rng(count).random((count, 1, 28, 28), np.float32)


def run(versions: TwoVersions, work: Callable[[Engine], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(work(Engine(versions, LoadShedder(), Recorder(Metrics()))))  # type: ignore[arg-type]


def test_every_row_of_a_batch_is_what_it_would_be_alone(versions: TwoVersions) -> None:
    pixels = pictures(3 * MAX_BATCH_PICTURES + 5)

    async def at_once(engine: Engine) -> list[Answer]:
        return await asyncio.gather(*(engine.predict("champion", pixels[k : k + 1]) for k in range(len(pixels))))

    answers = run(versions, at_once)
    assert versions.sizes == [MAX_BATCH_PICTURES, MAX_BATCH_PICTURES, MAX_BATCH_PICTURES, 5]
    for k, (version, probabilities, _) in enumerate(answers):
        alone = versions.champion.classifier.probabilities(pixels[k : k + 1])
        assert version == "1"
        assert probabilities.shape == (1, 10)
        assert np.abs(probabilities - alone).max() <= 1e-6


def test_request_alone_waits_for_nobody(versions: TwoVersions) -> None:
    async def ticks_until_answered(engine: Engine) -> int:
        answer = asyncio.ensure_future(engine.predict("champion", pictures(1)))
        ticks = 0
        while not answer.done():
            await asyncio.sleep(0)  # one tick, without a clock
            ticks += 1
        return ticks

    assert run(versions, ticks_until_answered) <= 4  # started, queued, computed, handed over
    assert versions.sizes == [1]


def test_large_request_is_answered_in_order_and_lets_small_ones_through(versions: TwoVersions) -> None:
    pixels, small = pictures(1000), pictures(1)
    finished = []

    async def both(engine: Engine) -> Floats:
        async def ask(name: str, asked: Floats) -> Floats:
            probabilities = (await engine.predict("champion", asked)).probabilities
            finished.append(name)
            return probabilities

        large, _ = await asyncio.gather(ask("large", pixels), ask("small", small))
        return large

    probabilities = run(versions, both)
    assert finished == ["small", "large"]
    assert np.abs(probabilities - versions.champion.classifier.probabilities(pixels)).max() <= 1e-6


def test_empty_request_is_answered_with_no_rows(versions: TwoVersions) -> None:
    assert run(versions, lambda engine: engine.predict("champion", pictures(0))).probabilities.shape == (0, 10)


def test_batch_holds_one_version_only(versions: TwoVersions) -> None:
    async def mixed(engine: Engine) -> list[Answer]:
        return await asyncio.gather(*(engine.predict(name, pictures(1)) for name in ("champion", "2") * 20))

    assert [answer.version for answer in run(versions, mixed)] == ["1", "2"] * 20
    assert sum(versions.sizes) == 20
    assert sum(versions.other.classifier.sizes) == 20  # type: ignore[attr-defined]


def test_request_keeps_its_version_when_the_champion_changes_meanwhile(versions: TwoVersions) -> None:
    async def swapped(engine: Engine) -> Answer:
        answer = asyncio.ensure_future(engine.predict("champion", pictures(10 * MAX_BATCH_PICTURES)))
        await asyncio.sleep(0)
        versions.champion, first = versions.other, versions.champion
        found = await answer
        assert sum(first.classifier.sizes) == 10 * MAX_BATCH_PICTURES  # type: ignore[attr-defined]
        return found

    assert run(versions, swapped).version == "1"


def test_full_batch_does_not_wait_for_what_else_the_tick_brings(versions: TwoVersions) -> None:
    async def fill(engine: Engine) -> list[int]:
        asking = [asyncio.ensure_future(engine.predict("champion", pictures(1))) for _ in range(MAX_BATCH_PICTURES)]
        seen: list[int] = []
        asyncio.get_running_loop().call_soon(lambda: seen.extend(versions.sizes))  # after those, before the next tick
        await asyncio.gather(*asking)
        return seen

    assert run(versions, fill) == [MAX_BATCH_PICTURES]


def test_large_requests_wait_in_a_queue_of_their_own_that_is_bounded(versions: TwoVersions) -> None:
    async def flood(engine: Engine) -> list[Any]:
        large = (
            engine.predict("champion", pictures(LARGE_REQUEST_PICTURES + 1)) for _ in range(MAX_LARGE_REQUESTS + 5)
        )
        middling = engine.predict("champion", pictures(2 * MAX_BATCH_PICTURES))  # as /v1/read asks
        asking = [asyncio.ensure_future(each) for each in (*large, middling)]
        await asking[-1]
        assert sum(each.done() and each.exception() is None for each in asking[:-1]) <= 2
        return await asyncio.gather(*asking, return_exceptions=True)

    answers = run(versions, flood)
    assert [type(answer) for answer in answers].count(Overloaded) == 5
    assert isinstance(answers[-1], Answer)


def test_too_many_are_rejected_and_the_others_are_answered(versions: TwoVersions) -> None:
    async def ask(engine: Engine) -> Answer:
        await engine.require_room()
        return await engine.predict("champion", pictures(1))

    async def flood(engine: Engine) -> list[Any]:
        requests = (ask(engine) for _ in range(MAX_PICTURES + 40))
        return await asyncio.gather(*requests, return_exceptions=True)

    answers = run(versions, flood)
    assert all(isinstance(answer, Answer) for answer in answers[:MAX_PICTURES])
    assert [type(answer) for answer in answers[-20:]] == [Overloaded] * 20  # whoever fills a batch is out at once
    assert "ask again" in str(answers[-1])


def test_rejections_come_at_a_bounded_rate_and_none_is_held_for_long() -> None:
    async def reject_all() -> list[float]:
        load_shedder, start, seconds = LoadShedder(), time.monotonic(), []

        async def reject() -> None:
            with pytest.raises(Overloaded):
                await load_shedder.reject("too many")
            seconds.append(time.monotonic() - start)

        await asyncio.gather(*(reject() for _ in range(3 * REJECTIONS_PER_SECOND)))
        return seconds

    seconds = asyncio.run(reject_all())
    assert seconds[REJECTIONS_PER_SECOND // 2] >= 0.5 * (1 - 2 / REJECTIONS_PER_SECOND)
    assert seconds[-1] >= MAX_DELAY_SECONDS
    late = [second for second in seconds if second > MAX_DELAY_SECONDS]
    assert len(late) > REJECTIONS_PER_SECOND  # all that were held for the longest time are told together


def test_request_past_its_deadline_is_not_computed(versions: TwoVersions) -> None:
    async def late(engine: Engine) -> list[Any]:
        contexts = [RequestContext(time.monotonic() + seconds) for seconds in (-1, 60)]
        requests = (engine.predict("champion", pictures(1), context) for context in contexts)
        return await asyncio.gather(*requests, return_exceptions=True)

    first, second = run(versions, late)
    assert isinstance(first, DeadlineExceeded)
    assert isinstance(second, Answer)
    assert versions.sizes == [1]


def test_request_whose_client_hung_up_is_not_computed(versions: TwoVersions) -> None:
    async def gone(engine: Engine) -> list[Any]:
        contexts = [RequestContext(is_disconnected=lambda k=k: k == 0) for k in range(3)]  # type: ignore[misc]
        requests = (engine.predict("champion", pictures(1), context) for context in contexts)
        return await asyncio.gather(*requests, return_exceptions=True)

    answers = run(versions, gone)
    assert [type(answer) for answer in answers] == [ClientGone, Answer, Answer]
    assert versions.sizes == [2]


def test_cancelled_request_is_not_computed_and_harms_no_other(versions: TwoVersions) -> None:
    async def cancelled(engine: Engine) -> Answer:
        first, second = (asyncio.ensure_future(engine.predict("champion", pictures(1))) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert run(versions, cancelled).version == "1"
    assert versions.sizes == [1]


def test_failure_of_the_network_reaches_all_who_wait_and_the_engine_goes_on(versions: TwoVersions) -> None:
    classifier: Any = versions.champion.classifier

    async def broken(engine: Engine) -> list[Any]:
        classifier.is_broken = True
        requests = [engine.predict("champion", pictures(1)) for _ in range(3)]
        failed = await asyncio.gather(*requests, return_exceptions=True)
        classifier.is_broken = False
        return [*failed, await engine.predict("champion", pictures(1))]

    *failed, answer = run(versions, broken)
    assert [type(error) for error in failed] == [RuntimeError] * 3
    assert isinstance(answer, Answer)


def test_engine_goes_on_when_nothing_can_be_counted(versions: TwoVersions, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    async def ask_twice(engine: Engine) -> list[Answer]:
        monkeypatch.setattr(engine._recorder, "record_batch", fail)
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        alone = [await engine.predict("champion", pictures(1))]
        return alone + await asyncio.gather(
            *(engine.predict("champion", pictures(1)) for _ in range(MAX_BATCH_PICTURES))
        )

    assert [answer.version for answer in run(versions, ask_twice)] == ["1"] * (1 + MAX_BATCH_PICTURES)
