"""What the client can ask, beside what the service answers."""

import inspect
from collections.abc import Iterator

import httpx

from numeral_client import calls
from numeral_client.calls import Call

ARGUMENTS = {
    "picture": b"some", "contents": [b"some"], "model": None, "digit": 7, "scale": None, "spec": {}, "space": {},
    "job_id": "J", "prefix": "0", "limit": 1, "cursor": None, "filters": {}, "trials": 1,
    "headers": {}, "version": "1", "name": "x", "note": None, "alias": "champion", "files": [], "position": 0,
}  # fmt: skip
ELSEWHERE = {  # what the client does not ask: for whom it is, or which call does the same
    "/livez": "orchestrators",
    "/readyz": "orchestrators",
    "/metrics": "Prometheus",
    "/v2": "clients of the protocol",
    "/v1/jobs/{job_id}/plot.png": "plot_job(image_format='png')",
    "/v1/jobs/{job_id}/curves": "get_curves, in NumPy's format",
    "/v1/jobs/{job_id}/trials.csv": "list_trials, and to_frame() of what it returns",
    "/v1/jobs/{job_id}/importance.svg": "draw_search(view='importance')",
    "/v1/backprop/trace.md": "explain_step",
    "/v1/backprop/trace.html": "browsers",
}


def asked() -> Iterator[tuple[str, str]]:
    """Method and path of every function that makes a call."""
    for name, function in vars(calls).items():
        if inspect.isfunction(function) and function.__module__ == calls.__name__ and not name.startswith("_"):
            parameters = inspect.signature(function).parameters.values()
            named = [each for each in parameters if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)]
            needed = [each for each in named if each.default is each.empty]
            call = function(**{each.name: ARGUMENTS[each.name] for each in needed})
            assert isinstance(call, Call), name
            yield call.method, call.path


def test_the_client_can_ask_every_endpoint_and_nothing_else(api: httpx.Client) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    assert set(ELSEWHERE) <= set(paths)
    endpoints = {
        (method.upper(), path.format(**ARGUMENTS))
        for path, methods in paths.items()
        for method in methods
        if path not in ELSEWHERE and not path.startswith("/v2/")
    }
    assert set(asked()) == endpoints
