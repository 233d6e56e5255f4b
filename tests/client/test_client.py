import asyncio
import inspect
import io
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from models.pictures.eye import Eye
from models.pictures.normalisation import normalise
from numeral_client import (
    AsyncClient,
    AsyncJob,
    Client,
    Conflict,
    ConnectionFailed,
    ConnectionRefused,
    HostNotFound,
    InvalidInput,
    Job,
    JobFailed,
    NotFound,
    NumeralError,
    SweepResult,
    TimedOut,
    TrainingResult,
)
from numeral_client.documents import Document, JobDocument
from numeral_client.pictures import encode, find_pictures
from tests.client.conftest import LossyLine
from tests.conftest import free_port
from tests.uploads import draw_digit

SEVEN = Path(__file__).parents[2] / "docs" / "examples" / "seven.png"
PIXELS = np.asarray(Image.open(SEVEN).convert("L"))


@pytest.mark.parametrize(
    "picture",
    [
        str(SEVEN),
        SEVEN,
        SEVEN.read_bytes(),
        io.BytesIO(SEVEN.read_bytes()),
        Image.open(SEVEN).convert("CMYK"),
        PIXELS,
        PIXELS / 255,
        (PIXELS[None] / 255).astype(np.float32),
        255 - PIXELS,
        PIXELS > 128,
        np.stack([PIXELS] * 3, axis=2),
        np.asarray(Image.open(SEVEN).convert("RGBA")),
    ],
    ids=lambda picture: type(picture).__name__,
)
def test_predict_takes_pictures_of_every_kind(client: Client, picture: object) -> None:
    found = client.predict(picture)
    assert (found.digit, found.accepted, found.model.version) == (7, True, "1")
    assert "<b>7</b>" in found._repr_html_()


def test_array_in_mnists_form_is_taken_as_it_is(client: Client) -> None:
    image = normalise(Image.open(SEVEN), Eye.load()).image
    found = client.predict(image.reshape(784))
    assert (found.digit, found.image and found.image.scale) == (7, 1.0)
    assert client.predict(image.astype(float), scale=255).probabilities == found.probabilities


@pytest.mark.parametrize(
    "array",
    [
        PIXELS.astype(int), PIXELS.astype(np.float32), PIXELS.astype(np.uint16) * 257, PIXELS / 255, PIXELS / 127.5 - 1,
        PIXELS[None, :, :, None],
    ],
)  # fmt: skip
def test_usual_scales_are_told_apart(array: np.ndarray) -> None:
    decoded = np.asarray(Image.open(io.BytesIO(encode(array))))
    assert np.array_equal(decoded, PIXELS)


def test_numbers_and_arrays_of_numpy_may_stand_in_a_spec(client: Client) -> None:
    job = client.backprop.sweep(learning_rates=np.array([0.5, 1.0]), epochs=np.int64(3), wait_seconds=9.5)
    assert job.status == "succeeded"
    assert job.document.model_dump()["spec"]["learning_rates"] == [0.5, 1.0]


def test_key_with_a_line_break_is_refused_and_not_repeated() -> None:
    with pytest.raises(NumeralError) as refused:
        Client("127.0.0.1:1", key="numeral_secret\n")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["../jobs", "1/files/card.json", "a b", ""])
def test_name_is_one_part_of_the_path(client: Client, name: str) -> None:
    with pytest.raises((NotFound, InvalidInput)):
        client.models.get(name)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (PIXELS.astype(int) // 16, "give scale="),  # 0 to 15: dark pixels, or those of optdigits
        (PIXELS.astype(float) * 2, "give scale="),
        (PIXELS / 255 - 2, "give scale="),
        (np.zeros((28, 28, 2)), "is no picture"),
        (np.zeros((5, 28, 28)), "take predict_many"),
        (np.zeros((0, 28)), "is no picture"),
        (np.full((28, 28), np.nan), "not finite"),
        (np.array(["seven"]), "array of numbers"),
    ],
)
def test_array_of_which_scale_or_shape_is_unclear_is_refused(client: Client, array: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        client.predict(array)


@pytest.mark.parametrize("scale", [0, -1, "255", np.nan])
def test_scale_is_a_number_above_0(scale: Any) -> None:
    with pytest.raises(ValueError, match="a number above 0, not"):
        encode(PIXELS, scale=scale)


@pytest.mark.parametrize("picture", [PIXELS, np.asarray(Image.open(SEVEN).convert("RGB")), SEVEN.read_bytes()])
def test_one_picture_is_not_taken_for_many(picture: Any) -> None:
    with pytest.raises(ValueError, match="predict takes"):
        find_pictures(picture)


def test_what_cannot_be_meant_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    with Client(f"127.0.0.1:{free_port()}", retries=0) as client:
        job = Job[Document](client, JobDocument.model_construct(id="0" * 36))
        for ask, kind, words in (
            (lambda: client.search([1]), TypeError, "a space is a dict"),  # type: ignore[arg-type]
            (lambda: client.submit("backprop_sweep"), TypeError, "a spec is a dict"),  # type: ignore[arg-type]
            (lambda: client.datasets.upload("mine", []), ValueError, "there is no file"),
            (lambda: client.train(learning_rate=np.nan), ValueError, "learning_rate: a finite number"),
            (lambda: client.backprop.sweep(learning_rates=np.array([np.inf])), ValueError, "learning_rates: a finite"),
            (lambda: client.backprop.sweep(wait_seconds=61), ValueError, "wait_seconds is 0 to 60"),
            (lambda: job.plot(image_format="jpg"), ValueError, "svg or png, not 'jpg'"),
            (lambda: job.plot_trials(view="abc"), ValueError, "parallel or importance"),
        ):
            with pytest.raises(kind, match=words):
                ask()


def test_many_pictures_come_back_in_order_with_errors_in_their_places(client: Client) -> None:
    found = client.predict_many([PIXELS, b"no picture", SEVEN])
    assert [one.error and one.error.title for one in found] == [None, "Picture refused", None]
    assert [row.get("digit") for row in found.to_records()] == [7, None, 7]
    assert client.predict_many(np.stack([PIXELS, PIXELS]))[1].model_dump()["digit"] == 7


def test_folder_is_read_and_a_file_that_is_not_there_loses_no_other(client: Client, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "one.png").write_bytes(draw_digit(1))
    (tmp_path / "notes.txt").write_text("no picture")
    [one] = client.predict_many(tmp_path)
    assert (one.digit, one.source) == (1, str(tmp_path / "deep" / "one.png"))
    assert client.predict_many(str(SEVEN))[0].digit == 7
    found = client.predict_many([SEVEN, tmp_path / "gone.png", tmp_path, SEVEN.read_bytes()])
    assert [each.digit for each in found] == [7, None, None, 7]
    assert found[1].error
    assert "gone.png" in found[1].error.detail


def test_feedback_needs_a_picture_that_was_kept(client: Client) -> None:
    with pytest.raises(ValueError, match="give the picture itself"):
        client.feedback(client.predict(SEVEN), 7)
    assert client.feedback(SEVEN, np.int64(7)).dataset == "feedback"  # type: ignore[arg-type]
    client.datasets.delete("feedback")


def test_reading_is_shown_and_long_documents_are_shortened(client: Client) -> None:
    assert client.read(SEVEN).text == "7"
    explained = client.predict(SEVEN, explain=True).explanation
    assert explained is not None
    assert len(explained["saliency"]) == 28


def test_sweep_comes_back_finished_typed_and_drawn(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    job = client.backprop.sweep(learning_rates=[0.1, 2.0], epochs=5)
    assert isinstance(job.result, SweepResult)
    assert (job.status, job.result.best) == ("succeeded", 2.0)
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=list))
    frame = job.result.to_frame()
    assert (len(frame), frame[-1]["learning_rate"], frame[-1]["epoch"]) == (12, 2.0, 5)
    picture = job.plot(image_format="png")
    assert picture._repr_png_() == picture
    with pytest.raises(ValueError, match=r"save it as \.png"):
        picture.save("sweep.svg")
    assert (job.plot()._repr_svg_() or "").startswith("<?xml")
    with np.load(io.BytesIO(job.curves())) as curves:
        assert curves["losses"].shape == (2, 6)
    trace = client.backprop.trace(learning_rate=0.5)
    assert "0.39355959" in client.backprop.trace_page(learning_rate=0.5)
    assert client.backprop.diagram(learning_rate=0.5, inputs=[0.1, 0.2])._repr_svg_()
    assert trace.updated_weights["w5"] == pytest.approx(0.39355959)
    assert trace.to_records()[0]["formula"] == "w1 * i1 + w2 * i2"


def test_problem_is_an_exception_with_its_words_and_fields(client: Client) -> None:
    with pytest.raises(InvalidInput, match="do you mean 'epochs'") as caught:
        client.train(epoch=3)
    error = caught.value
    assert (error.status, error.title, error.instance) == (422, "Invalid input", "/v1/jobs")
    assert error.errors[0]["location"].endswith("epoch")
    assert error.request_id
    with pytest.raises(NotFound, match="99"):
        client.models.get("99")


def test_training_is_followed_through_a_bad_line_and_becomes_a_version(
    client: Client, lossy_line: LossyLine, tmp_path: Path
) -> None:
    job = client.train(dataset="optdigits", epochs=2, name="small")
    lossy_line.cut_bodies_after = 400  # an event or two
    with Client(lossy_line.url) as far:
        events = list(far.follow(job.id))
    list(job.follow())
    assert job.status == "succeeded"
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert [event.data["epoch"] for event in events if event.event == "epoch"] == [1, 2]
    assert events[-1].is_end
    result = job.wait(progress=False).result
    assert isinstance(result, TrainingResult)
    assert result.test is not None
    assert result.test.total == 300
    assert [record["epoch"] for record in result.to_records()] == [1, 2]
    version = result.model_version or ""
    assert client.models.annotate(version, "a trial").note == "a trial"
    files = client.models.download(version, tmp_path / "files")
    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == sorted(file.name for file in files)
    assert client.aliases.set(version, "trial", reason="to see").aliases == ["trial"]
    assert client.predict(SEVEN, model="trial").model.version == version
    assert client.aliases.history("trial")[0].reason.endswith("to see")
    assert {"champion", "trial"} <= {change.alias for change in client.aliases.list()}
    with pytest.raises(Conflict):
        client.aliases.delete("trial", expected_version=1)  # type: ignore[arg-type]
    client.aliases.delete("trial")
    assert "trial" not in {change.alias for change in client.aliases.list()}
    assert job.hardest()._repr_png_()
    [listed] = client.jobs.list(limit=1, name="small")
    assert {client.jobs.get(one).id for one in (job.id[:18], listed, job)} == {job.id}
    other = client.train(dataset="optdigits", epochs=1).wait(progress=False)
    assert [item["id"] for item in client.jobs.compare(job, other.id).items] == [job.id, other.id]
    [summary] = [one for one in client.models.list() if one.version == version]
    model, card = client.models.get(summary), client.models.get(version).card
    assert (model.version, card.recipe.name, card.seed, card.dataset.name) == (version, "fast", 0, "optdigits")
    assert (card.test.total, card.epochs[-1].epoch, card.recipe.model_dump()["momentum"]) == (300, 2, 0.9)
    assert len(repr(model)) < 1000


def test_answer_that_is_lost_does_not_submit_a_second_job(client: Client, lossy_line: LossyLine) -> None:
    lossy_line.answers_to_lose = 2
    with Client(lossy_line.url) as far:
        job = far.backprop.sweep(epochs=1, name="only once", wait_seconds=0)
    assert lossy_line.answers_to_lose == 0
    assert [one.id for one in client.jobs.list(name="only once")] == [job.id]


def test_busy_service_is_asked_again_when_it_says() -> None:
    statuses = [503, 503, 200]

    class Busy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses.pop(0))
            self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(b'{"items": []}')

        def log_message(self, format: str, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Busy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with Client(f"127.0.0.1:{server.server_port}") as client:
            assert client.models.list() == []
        server.shutdown()
        thread.join()
    assert statuses == []


def test_what_cannot_be_reached_is_told_apart() -> None:
    with pytest.raises(ConnectionRefused, match="numeral up"):
        Client(f"127.0.0.1:{free_port()}", retries=0).models.list()
    with pytest.raises(HostNotFound, match=r"no\.such\.host\.invalid"):
        Client("http://no.such.host.invalid", trust_env=False).models.list()
    with pytest.raises(NumeralError, match="no address of HTTP"):
        Client("ftp://localhost")
    with pytest.raises(NumeralError, match="from 1 to 65,535"):
        Client("localhost:99999")


def test_address_may_end_in_v1_and_https_of_a_plain_service_is_told(working_service: str) -> None:
    with Client(f"{working_service}/v1/") as client:
        assert client.models.list()
    with (
        Client(working_service.replace("http", "https"), retries=0) as client,
        pytest.raises(ConnectionFailed, match="speaks http, not https"),
    ):
        client.models.list()


def test_job_is_cancelled_retried_and_deleted(idle_client: Client) -> None:
    job = idle_client.train(dataset="optdigits", name="waits")
    with pytest.raises(TimedOut, match="still queued"):
        job.wait(timeout=0)
    assert job.cancel().is_ended
    with pytest.raises(JobFailed, match="cancelled"):
        job.wait()
    assert job.retry().status == "queued"
    job.cancel().delete()
    with pytest.raises(NotFound):
        job.refresh()
    with pytest.raises(NotFound, match="No job has"):
        idle_client.jobs.get(job.id[:30])
    search = idle_client.search({"batch_size": [32, 64]}, sampler="grid", base={"dataset": "optdigits"})
    assert search.document.spec["space"] == {"batch_size": {"values": [32, 64]}}
    assert search.cancel().trials().items == []
    assert (search.plot_trials(view="importance")._repr_svg_() or "").startswith("<?xml")
    recipes = idle_client.recipes()
    assert recipes.fields["epochs"]["minimum"] == 1
    assert recipes.items[0].fields["epochs"] > 0
    assert "searches" in {queue["name"] for queue in idle_client.system().queues}


def test_folder_of_digits_becomes_a_data_set(client: Client, tmp_path: Path) -> None:
    for digit in (1, 7):
        (tmp_path / str(digit)).mkdir()
        for number in range(3):
            (tmp_path / str(digit) / f"{number}.png").write_bytes(draw_digit(digit, number))
    dataset = client.datasets.upload("mine", tmp_path)
    assert dataset.counts is not None
    assert (dataset.counts["1"], dataset.counts["7"]) == (3, 3)
    assert client.datasets.sheet("mine")._repr_png_()
    assert "mine" in [one.name for one in client.datasets.list()]
    [wrong] = client.datasets.pictures("mine", digit=7, limit=1)
    corrected = client.datasets.correct("mine", wrong.position, 1)
    assert corrected.counts is not None
    assert (corrected.counts["1"], corrected.counts["7"]) == (4, 2)
    client.datasets.delete("mine")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no folders 0 to 9"):
        client.datasets.upload("mine", tmp_path / "empty")


def test_asynchronous_client_does_the_same(working_service: str) -> None:
    async def use() -> None:
        async with AsyncClient(working_service) as client:
            predictions = await asyncio.gather(*(client.predict(SEVEN) for _ in range(5)))
            assert [found.digit for found in predictions] == [7] * 5
            job = await client.backprop.sweep(epochs=3, wait_seconds=0)
            assert [event.event async for event in job.follow()][-1] == "status"
            assert isinstance((await job.wait()).result, SweepResult)
            assert (await client.jobs.get(job.id)).id == job.id
            with pytest.raises(NotFound):
                await client.models.get("99")
        with pytest.raises(ConnectionRefused):
            await AsyncClient(f"localhost:{free_port()}", retries=0).models.list()

    asyncio.run(use())


def test_both_clients_have_the_same_methods() -> None:
    def signatures(client: object) -> dict[str, str]:
        public = {name: one for name, one in vars(client).items() if not name.startswith("_") and callable(one)}
        return {name: str(inspect.signature(one)).partition(" ->")[0] for name, one in public.items()}

    assert signatures(Client) == signatures(AsyncClient)
    assert signatures(Job) == signatures(AsyncJob)
    with Client() as one:
        other = AsyncClient()
        for part in ("jobs", "models", "aliases", "datasets", "backprop"):
            assert signatures(type(getattr(one, part))) == signatures(type(getattr(other, part)))
    assert signatures(Client)["predict"].startswith("(self, /, picture")
