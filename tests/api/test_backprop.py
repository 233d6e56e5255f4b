import math
import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest

from app.api import backprop
from app.serving.figures import MAX_WAITING_FIGURES
from models.backprop.network import WEIGHT_NAMES

MANY = 60  # more than the threads that all endpoints share
WEIGHTS = [0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55]


def trace_of(api: httpx.Client, **fields: Any) -> dict[str, Any]:
    answer = api.post("/v1/backprop/trace", json=fields)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_trace_of_nothing_is_that_of_the_workbook(api: httpx.Client) -> None:
    trace = trace_of(api, learning_rate=2.0)
    assert trace["errors"]["E_total"] == pytest.approx(1.4181377937891659e-2, rel=1e-12)
    assert trace["gradients"]["w5"] == pytest.approx(1.288081863162825e-2, rel=1e-12)
    assert trace["updated_weights"]["w1"] == pytest.approx(0.14936601320817941, rel=1e-12)
    assert set(trace["gradients"]) == {*(f"w{number}" for number in range(1, 9)), "a_h1", "a_h2"}


def test_the_steps_are_the_derivation_in_order(api: httpx.Client) -> None:
    symbols = [step["symbol"] for step in trace_of(api)["steps"]]
    assert symbols == [
        *("h1", "a_h1", "h2", "a_h2", "o1", "a_o1", "o2", "a_o2", "E1", "E2", "E_total"),
        *(f"dE_total/d{name}" for name in ("w5", "w6", "w7", "w8", "a_h1", "a_h2", "w1", "w2", "w3", "w4")),
        *(f"w{number}_new" for number in range(1, 9)),
    ]


FIELDS = {
    "inputs": [-0.3, 2.0],
    "targets": [0.9, 0.2],
    "weights": [-1.5, 0.2, 3, -4, 0.5, -0.6, 7, 0],
    "learning_rate": 3.0,
}


@pytest.mark.parametrize("fields", [{}, FIELDS])
def test_each_step_says_how_its_value_comes_about(api: httpx.Client, fields: dict[str, Any]) -> None:
    for step in trace_of(api, **fields)["steps"]:
        assert eval(step["substituted"], {"exp": math.exp}) == pytest.approx(step["value"], rel=1e-6, abs=1e-9)
        if step["factors"]:
            paths = {factor["path"] for factor in step["factors"]}
            products = [math.prod(each["value"] for each in step["factors"] if each["path"] == path) for path in paths]
            assert sum(products) == pytest.approx(step["value"], rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("fields", [{}, FIELDS])
def test_the_formulas_hold_for_the_quantities_they_name(api: httpx.Client, fields: dict[str, Any]) -> None:
    trace = trace_of(api, **fields)
    weights = fields.get("weights", WEIGHTS)
    known = dict(zip(WEIGHT_NAMES, weights, strict=True)) | trace["forward"] | trace["errors"]
    samples = fields.get("inputs", [0.05, 0.1]) + fields.get("targets", [0.5, 0.5])
    known |= dict(zip(("i1", "i2", "t1", "t2"), samples, strict=True))
    known |= {f"dE_d{name}": value for name, value in trace["gradients"].items()}
    known |= {"learning_rate": fields.get("learning_rate", 0.5), "exp": math.exp}
    for step in trace["steps"]:
        assert eval(step["formula"], dict(known)) == pytest.approx(step["value"], rel=1e-12, abs=1e-15)
        for factor in step["factors"]:
            assert eval(factor["formula"], dict(known)) == pytest.approx(factor["value"], rel=1e-12)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("weights", [0.1] * 7),
        ("learning_rate", 0),
        ("learning_rate", -1),
        ("targets", [-0.1, 0.5]),
        ("layers", [2, 64, 64, 2]),
        ("biases", [[1, 2]]),
        ("inputs", ["a", 1]),
        ("inputs", [True, 1]),
        ("learning_rate", "1"),
    ],
)
def test_a_bad_field_is_named(api: httpx.Client, field: str, value: Any) -> None:
    answer = api.post("/v1/backprop/trace", json={field: value} | ({"weights": None} if field == "layers" else {}))
    assert answer.status_code == 422
    location = answer.json()["errors"][0]["location"]
    assert location.startswith(f"body.{field}") or (field == "layers" and location == "body")


@pytest.mark.parametrize(
    ("fields", "location", "message"),
    [
        ({"layers": [3, 2, 2]}, "inputs", "each sample of `inputs` must have 3 numbers, as `layers` says"),
        ({"targets": [[0.1, 0.2]] * 2}, "targets", "`targets` must have 1 sample, as `inputs` has"),
        ({"biases": [0.1] * 3}, "biases", "one list per layer, of 2 numbers and 2 numbers, or one number per layer"),
        ({"weights": [0.1] * 7}, "weights", "8 numbers are expected, not 7"),
        ({"layers": [2, 3, 2], "weights": [[[1, 2]]]}, "weights", "3 lists of 2 numbers and 2 lists of 3 numbers"),
        ({"epoch": 3}, "epoch", "name the `job`"),
        ({"job": "x", "inputs": [1, 2]}, "inputs", "leave this out"),
    ],
)
def test_what_does_not_fit_another_field_is_told_where_and_why(
    api: httpx.Client, fields: dict[str, Any], location: str, message: str
) -> None:
    [error] = api.post("/v1/backprop/trace", json=fields).json()["errors"]
    assert error["location"] == f"body.{location}"
    assert message in error["message"]


def test_the_page_holds_every_value_of_the_trace(api: httpx.Client) -> None:
    answer = api.get("/v1/backprop/trace.md", params={"learning_rate": 2, "weights": ",".join(map(str, WEIGHTS))})
    assert answer.headers["content-type"].startswith("text/markdown")
    for step in trace_of(api, learning_rate=2.0)["steps"]:
        assert f"```math\n{step['latex']}\n```" in answer.text
        assert f"**{step['value']:.9g}**" in answer.text


def test_a_query_takes_lists_with_commas_and_refuses_bad_ones(api: httpx.Client) -> None:
    for query in ("inputs=0.1,0.2", "inputs=0.1&inputs=0.2"):
        assert "Inputs 0.1 and 0.2" in api.get(f"/v1/backprop/trace.md?{query}").text
    answer = api.get("/v1/backprop/trace.md?weights=1,2")
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["location"], "8 numbers are expected, not 2" in error["message"]) == ("query.weights", True)


def test_the_picture_is_an_svg_and_always_the_same(api: httpx.Client) -> None:
    first, second = (api.get("/v1/backprop/trace.svg?learning_rate=0.5") for _ in range(2))
    assert first.headers["content-type"] == "image/svg+xml"
    assert first.content == second.content
    assert re.search(rb"<svg ", first.content)


def test_extreme_weights_give_numbers_all_the_same(api: httpx.Client) -> None:
    trace = trace_of(api, weights=[1e6, -1e6] * 4, inputs=[1e6, -1e6], learning_rate=1e6)
    assert np.isfinite([step["value"] for step in trace["steps"]]).all()


XOR = {
    "layers": [2, 2, 2], "inputs": [[0, 0], [0, 1], [1, 0], [1, 1]], "targets": [[1, 0], [0, 1], [0, 1], [1, 0]],
    "weights": None, "seed": 3, "biases": True,
}  # fmt: skip


@pytest.mark.parametrize("biases", [[[0.35, 0.35], [0.60, 0.60]], [0.35, 0.60]])
def test_the_well_known_worked_example_with_biases_has_its_published_numbers(api: httpx.Client, biases: Any) -> None:
    trace = trace_of(api, targets=[0.01, 0.99], biases=biases)
    assert trace["errors"]["E_total"] == pytest.approx(0.298371109, abs=5e-10)
    assert trace["forward"]["a_o1"] == pytest.approx(0.75136507, abs=5e-9)
    published = {"w1": 0.149780716, "w2": 0.19956143, "w3": 0.24975114, "w4": 0.29950229, "w5": 0.35891648,
                 "w6": 0.408666186, "w7": 0.511301270, "w8": 0.561370121}  # fmt: skip
    for name, value in published.items():
        assert trace["updated_weights"][name] == pytest.approx(value, abs=5e-9)


@pytest.mark.parametrize(
    "fields",
    [
        {"biases": True, "optimizer": "momentum"},
        XOR | {"activation": "tanh", "loss": "cross_entropy", "optimizer": "adam"},
        {"layers": [3, 2, 1], "activation": "relu", "weights": None, "inputs": [1, 2, 3], "targets": [0.5], "seed": 4},
    ],
)
def test_each_step_of_any_network_says_how_its_value_comes_about(api: httpx.Client, fields: dict[str, Any]) -> None:
    trace = trace_of(api, **fields)
    functions = {name: getattr(math, name) for name in ("exp", "log", "tanh", "sqrt")} | {"max": max}
    for step in trace["steps"]:
        assert eval(step["substituted"], dict(functions)) == pytest.approx(step["value"], rel=1e-6, abs=1e-8)
        if step["factors"]:
            paths = {factor["path"] for factor in step["factors"]}
            products = [math.prod(each["value"] for each in step["factors"] if each["path"] == path) for path in paths]
            assert sum(products) == pytest.approx(step["value"], rel=1e-9, abs=1e-12)
    assert bool(trace["notes"]) == ("loss" in fields)


@pytest.mark.parametrize(("targets", "loss"), [([1, 0], 2000), ([0, 1], 0), ([0.25, 0.75], 500)])
def test_a_softmax_that_underflows_has_the_error_of_its_sums(
    api: httpx.Client, targets: list[float], loss: float
) -> None:
    fields = {"layers": [1, 2], "loss": "cross_entropy", "weights": [[[-1], [1]]], "inputs": [1000]}
    trace = trace_of(api, **fields, targets=targets)
    assert trace["forward"]["a1_1"] == 0
    assert trace["errors"]["E_total"] == loss
    assert trace["gradients"]["w1_1_1"] == -1000 * targets[0]
    quotients = {step["factors"][0]["value"] for step in trace["steps"] if step["symbol"] == "dE_total/dz1_1"}
    assert quotients == {None if targets[0] else 0}
    page = api.post("/v1/backprop/trace", json=fields | {"targets": targets}, headers={"Accept": "text/html"})
    assert page.is_success


def test_any_step_of_a_sweep_is_derived_also_as_a_page(api: httpx.Client) -> None:
    sweep = {"kind": "backprop_sweep", "learning_rates": [0.5, 2.0], "epochs": 20, "optimizer": "adam"}
    job = api.post("/v1/jobs", json=sweep | XOR | {"loss": "cross_entropy", "batch_size": 2}).json()["id"]
    first, later = (trace_of(api, job=job, learning_rate=0.5, epoch=epoch) for epoch in (0, 3))
    assert first["errors"]["E_total"] != later["errors"]["E_total"]
    assert later["steps"][-1]["section"] == "update"
    markdown = api.get("/v1/backprop/trace.md", params={"job": job, "learning_rate": 0.5, "epoch": 3})
    html = api.get("/v1/backprop/trace.html", params={"job": job, "learning_rate": 0.5, "epoch": 3})
    assert html.headers["content-type"].startswith("text/html")
    assert f"{later['steps'][0]['value']:.9g}" in html.text
    assert f"**{later['errors']['E_total']:.9g}**" in markdown.text
    for file in (*re.findall(r'(?:href|src)="([^"]+)"', html.text), "../../console/vendor/katex/katex.js"):
        assert api.get(html.url.join(file)).is_success
    for wrong, field in (({"learning_rate": 0.6}, "learning_rate"), ({"epoch": 20, "learning_rate": 2}, "epoch")):
        for part, answer in (
            ("body", api.post("/v1/backprop/trace", json={"job": job} | wrong)),
            ("query", api.get("/v1/backprop/trace.md", params={"job": job} | wrong)),
            ("query", api.get("/v1/backprop/trace.html", params={"job": job} | wrong)),
        ):
            assert (answer.status_code, answer.json()["errors"][0]["location"]) == (422, f"{part}.{field}")
    for epoch in (3, 100_001):
        answer = api.get(f"/v1/backprop/trace.md?epoch={epoch}")
        assert answer.json()["errors"][0]["location"] == "query.epoch"
    assert api.post("/v1/backprop/trace", json={"job": job, "layers": [2, 2]}).status_code == 422


def test_derivations_that_take_long_hold_up_no_other_request(
    api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, derive = threading.Event(), threading.Event(), backprop.derive_step

    def block(*given: Any, **named: Any) -> dict[str, Any]:
        begun.set()
        go_on.wait(30)
        return derive(*given, **named)

    monkeypatch.setattr(backprop, "derive_step", block)

    def ask(number: int) -> int:
        return api.post("/v1/backprop/trace", json={"biases": True, "learning_rate": 1 + number}).status_code

    with ThreadPoolExecutor(MANY) as clients:
        asked = [clients.submit(ask, number) for number in range(MANY)]
        try:
            assert begun.wait(10)
            while sum(each.done() for each in asked) < MANY - MAX_WAITING_FIGURES:
                assert api.get("/v1/jobs", timeout=5).is_success
            assert api.get("/v1/jobs", timeout=5).is_success
        finally:
            go_on.set()
    assert Counter(each.result() for each in asked) == {200: MAX_WAITING_FIGURES, 429: MANY - MAX_WAITING_FIGURES}


def test_the_only_learning_rate_of_a_sweep_need_not_be_named(api: httpx.Client) -> None:
    several = api.post("/v1/jobs", json={"kind": "backprop_sweep", "learning_rates": [0.1, 0.2], "epochs": 3}).json()
    [error] = api.post("/v1/backprop/trace", json={"job": several["id"]}).json()["errors"]
    assert error["message"] == "Name one of the sweep's learning rates: 0.1, 0.2."
    job = api.post("/v1/jobs", json={"kind": "backprop_sweep", "learning_rates": [0.7], "epochs": 3}).json()["id"]
    unnamed, named, other = (
        api.get("/v1/backprop/trace.md", params={"job": job} | rate)
        for rate in ({}, {"learning_rate": 0.7}, {"learning_rate": 0.5})
    )
    assert "learning rate 0.7" in unnamed.text, unnamed.text[:300]
    assert unnamed.content == named.content
    assert (other.status_code, other.json()["errors"][0]["location"]) == (422, "query.learning_rate")


@pytest.mark.parametrize(("stop", "last"), [({"target_loss": 0.012}, 2), ({"patience": 5}, 5)])
def test_a_step_that_a_sweep_did_not_take_because_it_stopped_early_is_refused(
    api: httpx.Client, stop: dict[str, Any], last: int
) -> None:
    sweep = {"kind": "backprop_sweep", "learning_rates": [2.0], "stop": stop}
    saturated = {"weights": [500.0] * 8} if "patience" in stop else {}
    job = api.post("/v1/jobs", json=sweep | saturated).raise_for_status().json()["id"]
    trace_of(api, job=job, learning_rate=2.0, epoch=last - 1)
    for epoch in (last, 90):
        answer = api.post("/v1/backprop/trace", json={"job": job, "learning_rate": 2.0, "epoch": epoch})
        assert (answer.status_code, answer.json()["errors"][0]["location"]) == (422, "body.epoch")
        assert f"after {last} epochs" in answer.json()["detail"]
