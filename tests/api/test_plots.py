import csv
import io
import re
from typing import Any
from xml.etree import ElementTree

import httpx
import numpy as np
import pytest
from PIL import Image

from app.api.console import CONSOLE
from app.db import Sessions
from app.jobs import runs, service
from app.jobs.specs import job_spec_adapter
from app.storage import Storage
from models.figures.colors import DARK, LIGHT, Theme
from models.figures.figure import THEMES
from models.figures.training_curves import draw_training
from tests.fakes import RecordedNotifier
from tests.workers import claim, run_job
from worker.sweep import sweep

SVG = "{http://www.w3.org/2000/svg}"


def finished_sweep(api: httpx.Client, sessions: Sessions, storage: Storage, **fields: Any) -> dict[str, Any]:
    job = api.post("/v1/jobs", json={"kind": "backprop_sweep", **fields}).json()
    run_job(sessions, job["id"], lambda run: sweep(run, storage))
    ended: dict[str, Any] = api.get(f"/v1/jobs/{job['id']}").json()
    assert ended["status"] == "succeeded"
    return ended


@pytest.mark.parametrize("view", ["curves", "panels"])
@pytest.mark.parametrize("rates", [[0.5], [0.1, 0.2, 0.5, 0.8, 1.0, 2.0], [float(rate) for rate in range(1, 31)]])
def test_a_sweep_is_drawn(
    api: httpx.Client, api_sessions: Sessions, api_storage: Storage, view: str, rates: list[float]
) -> None:
    job = finished_sweep(api, api_sessions, api_storage, learning_rates=rates, epochs=20)
    svg = api.get(job["links"]["plot"], params={"view": view})
    png = api.get(f"/v1/jobs/{job['id']}/plot.png", params={"view": view})
    assert svg.headers["content-type"] == "image/svg+xml"
    assert b"<svg " in svg.content
    with Image.open(io.BytesIO(png.content)) as picture:
        assert picture.format == "PNG"
        assert len(picture.convert("L").getcolors() or []) > 10


def test_a_figure_has_real_text_says_what_it_shows_and_fits_any_width(
    api: httpx.Client, api_sessions: Sessions, api_storage: Storage
) -> None:
    job = finished_sweep(api, api_sessions, api_storage, learning_rates=[0.5, 2.5], epochs=3)
    svg = ElementTree.fromstring(api.get(job["links"]["plot"]).content)
    assert svg.find(f"{SVG}title").text == "Loss by learning rate, 2-2-2 network"  # type: ignore[union-attr]
    description = svg.find(f"{SVG}desc").text or ""  # type: ignore[union-attr]
    assert re.search(rf"2.5 descending at {job['result']['trials'][1]['loss'][-1]:.4g}\.$", description)
    assert (svg.get("role"), svg.get("width"), svg.get("height")) == ("img", None, None)
    texts = ["".join(text.itertext()).strip() for text in svg.iter(f"{SVG}text")]
    assert {"epoch", "E_total", "learning rate", "linear scale"} <= set(texts)
    assert [text for text in texts if text in ("0", "1", "2", "3")] == ["0", "1", "2", "3"] * 2  # whole epochs


@pytest.mark.parametrize("query", ["theme=dark", "scale=log", "view=panels&axis=free", "view=panels&scale=log"])
def test_theme_scale_and_axis_are_chosen(
    api: httpx.Client, api_sessions: Sessions, api_storage: Storage, query: str
) -> None:
    job = finished_sweep(api, api_sessions, api_storage, learning_rates=[0.1, 20.0], epochs=5)
    base = job["links"]["plot"]
    plain = api.get(base, params="view=panels" if "panels" in query else "").text
    chosen = api.get(base, params=query).text
    assert chosen != plain
    assert ("logarithmic scale" in chosen, "linear scale" in chosen) == ("panels" not in query, query == "theme=dark")
    assert (DARK.surface in chosen, LIGHT.surface in chosen) == (query == "theme=dark", query != "theme=dark")
    assert api.get(base, params=query.split("=")[0] + "=violet").status_code == 422


def test_figures_have_the_colours_of_the_console() -> None:
    css = (CONSOLE / "tokens.css").read_text()
    blocks = dict(zip(("light", "dark"), css.split("prefers-color-scheme: dark"), strict=True))
    for name, theme in THEMES.items():
        tokens = dict(re.findall(r"--([a-z]+(?:-\d)?): (#[0-9a-f]{6});", blocks[name]))
        for token in ("ground", "surface", "text", "quiet", "line", "edge"):
            assert getattr(theme, token) == tokens[token], (name, token)
        assert list(theme.curves) == [tokens[f"series-{number}"] for number in range(1, 7)]


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_a_series_of_a_training_has_the_colour_that_it_has_in_the_console(theme: Theme) -> None:
    console = (CONSOLE / "train" / "curves.js").read_text()
    places = dict(re.findall(r'label: "(train|validation)", values: [^\n]*_loss\), colour: COLOURS\[(\d)\]', console))
    epochs = [{"epoch": 1, "train_loss": 0.2, "validation_loss": 0.1, "validation_accuracy": 0.9}]
    losses, _ = draw_training(epochs, title="", theme=theme).figure.axes
    colours = {str(line.get_label()): line.get_color() for line in losses.lines}
    assert colours == {name: theme.curves[int(place)] for name, place in places.items()}
    assert len(colours) == 2


def test_an_overflowing_sweep_is_drawn(api: httpx.Client, api_sessions: Sessions, api_storage: Storage) -> None:
    fields = {"layers": [1, 1, 1], "activation": "relu", "inputs": [9], "targets": [5], "weights": [[[1]], [[1]]]}
    job = finished_sweep(api, api_sessions, api_storage, **fields, learning_rates=[0.001, 1e6])
    assert api.get(job["links"]["plot"]).status_code == 200


@pytest.mark.parametrize("kind", ["backprop_sweep", "mnist_training"])
def test_a_queued_job_has_a_picture_already(api: httpx.Client, kind: str) -> None:
    job = api.post("/v1/jobs", json={"kind": kind}).json()
    assert b"<svg " in api.get(f"/v1/jobs/{job['id']}/plot.svg").content


def test_a_running_training_is_drawn_as_far_as_it_has_come(
    api: httpx.Client, api_sessions: Sessions, notifier: RecordedNotifier
) -> None:
    job, _ = service.submit(api_sessions, job_spec_adapter.validate_python({"kind": "mnist_training"}))
    before = api.get(f"/v1/jobs/{job.id}/plot.svg").content
    runs.report(
        api_sessions, claim(api_sessions, job.id), "epoch", {"epoch": 1, "train_loss": 0.3, "validation_accuracy": 0.98}
    )
    after = api.get(f"/v1/jobs/{job.id}/plot.svg").text
    assert "After epoch 1: train loss 0.3000, validation accuracy 98.00 %" in after
    assert "fast on mnist, 1 of " in after
    assert after != before.decode()


@pytest.mark.parametrize("max_points", [1000, 10])
def test_all_points_come_as_csv_and_npz_downsampled_or_not(
    api: httpx.Client, api_sessions: Sessions, api_storage: Storage, max_points: int
) -> None:
    job = finished_sweep(api, api_sessions, api_storage, max_points=max_points)
    answer = api.get(job["links"]["curves"], headers={"Accept": "text/csv"})
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert answer.headers["content-type"].startswith("text/csv")
    assert rows[0] == ["epoch", "0.1", "0.2", "0.5", "0.8", "1.0", "2.0"]
    assert [row[0] for row in rows[1:]] == [str(epoch) for epoch in range(101)]
    arrays = np.load(io.BytesIO(api.get(f"/v1/jobs/{job['id']}/curves.npz").content))
    assert arrays["losses"].shape == arrays["gradient_norms"].shape == (6, 101)
    np.testing.assert_array_equal(np.array(rows[1:], float)[:, 1:].T, arrays["losses"])
    for trial, curve in zip(job["result"]["trials"], arrays["losses"], strict=True):
        assert trial["loss"] == curve[trial.get("loss_epochs", slice(None))].tolist()


def test_a_job_without_curves_says_so(api: httpx.Client) -> None:
    job = api.post("/v1/jobs", json={"kind": "backprop_sweep"}).json()
    for name in ("curves", "curves.npz"):
        answer = api.get(f"/v1/jobs/{job['id']}/{name}")
        assert answer.status_code == 404
        assert "queued" in answer.json()["detail"]


def test_a_client_that_accepts_a_picture_is_redirected_to_it(api: httpx.Client) -> None:
    answer = api.post("/v1/jobs", json={"kind": "backprop_sweep"}, headers={"Accept": "image/svg+xml"})
    assert answer.status_code == 303
    assert answer.headers["location"].endswith("/plot.svg")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "-1", "0"])
def test_a_learning_rate_that_is_not_a_positive_number_is_refused(api: httpx.Client, number: str) -> None:
    body = f'{{"kind": "backprop_sweep", "learning_rates": [{number}]}}'
    answer = api.post("/v1/jobs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert "learning_rates" in answer.json()["errors"][0]["location"]
