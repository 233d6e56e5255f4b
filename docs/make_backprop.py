"""Writes docs/backprop.md and its pictures from a running service: `python docs/make_backprop.py --url URL`."""

import argparse
from pathlib import Path
from typing import Any

import httpx

DOCS = Path(__file__).parent
TRACE = {"learning_rate": "0.5"}
OVERSHOOT = {"learning_rates": [10, 60, 70, 80, 300, 1000]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    with httpx.Client(base_url=parser.parse_args().url, timeout=90) as client:
        for name, content in make(client).items():
            (DOCS / name).parent.mkdir(exist_ok=True)
            (DOCS / name).write_bytes(content)


def make(client: httpx.Client) -> dict[str, bytes]:
    """Returns the page and its pictures by their names below docs/."""
    sweep, overshoot = _run_sweep(client, {}), _run_sweep(client, OVERSHOOT)
    page = PAGE.format(
        outcomes=_to_table(sweep),
        overshoots=_to_table(overshoot),
        sharpness=f"{sweep['result']['trials'][0]['sharpness']['start']:.6f}",
        limit=f"{sweep['result']['trials'][0]['stability_limit']['start']:.4g}",
        critical=f"{sweep['result']['critical_learning_rate']:g}",
        begins=f"{sweep['result']['convergence']['begins']:g}",
        ends=f"{sweep['result']['convergence']['ends']:g}",
        best=f"{sweep['result']['best']:g}",
        fastest=f"{sweep['result']['fastest']:g}",
        derivation=_derivation(client),
    )
    return {
        "backprop.md": page.encode(),
        "pictures/sweep.svg": _get(client, sweep["links"]["plot"]),
        "pictures/panels.svg": _get(client, sweep["links"]["plot"] + "?view=panels"),
        "pictures/overshoot.svg": _get(client, overshoot["links"]["plot"]),
        "pictures/trace.svg": _get(client, "/v1/backprop/trace.svg", TRACE),
    }


def _run_sweep(client: httpx.Client, spec: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/v1/jobs", json={"kind": "backprop_sweep", **spec}, headers={"Prefer": "wait=60"})
    job: dict[str, Any] = answer.raise_for_status().json()
    if job["status"] != "succeeded":
        raise SystemExit(f"The sweep is {job['status']}: {job['error']}")
    return job


def _get(client: httpx.Client, path: str, query: dict[str, str] | None = None) -> bytes:
    return client.get(path, params=query).raise_for_status().content


def _to_table(job: dict[str, Any]) -> str:
    rows = [
        f"| {trial['learning_rate']:g} | {_digits_above(trial['loss'][-1], 1e-18)} | {trial['outcome']} | "
        f"{_or_dash(trial['epochs_to']['1e-3'])} | {_or_dash(trial['epochs_to']['1e-6'])} | "
        f"{_digits_above(trial['gradient_norms'][-1], 1e-12)} | {_digits(trial['stability_limit']['end'])} |"
        for trial in job["result"]["trials"]
    ]
    return "\n".join(rows)


def _digits_above(number: float, floor: float) -> str:
    """Returns four digits, unless the number is so small that its rounding differs between processors."""
    return f"{number:.4g}" if number >= floor else f"below {floor:g}"


def _derivation(client: httpx.Client) -> str:
    """Returns the page of the trace with its headings one level down and the stored picture."""
    lines = _get(client, "/v1/backprop/trace.md", TRACE).decode().splitlines()
    deeper = ["#" + line if line.startswith("#") else line for line in lines]
    return "\n".join("![The network](pictures/trace.svg)" if line.startswith("![") else line for line in deeper)


def _or_dash(number: int | None) -> str:
    return "none" if number is None else str(number)


def _digits(number: float | None) -> str:
    return "none" if number is None else f"{number:.4g}"


PAGE = r"""# The backprop lab

`docs/make_backprop.py` writes this page, with all its numbers, from the answers of a running service.

## Six learning rates

The network is the classic worked example: two inputs, two hidden units and two outputs, all sigmoids. *The workbook* is
the spreadsheet of it whose table for learning rate 2.0 a test reproduces. One command trains it at the workbook's six
learning rates and fetches the picture:

```sh
curl -L -o sweep.svg -H 'Accept: image/svg+xml' -H 'Prefer: wait=10' -H 'Content-Type: application/json' \
  -d '{{"kind": "backprop_sweep"}}' http://localhost:8000/v1/jobs
```

![Loss by learning rate](pictures/sweep.svg)

![A panel per learning rate](pictures/panels.svg)

Without `Accept`, the same request returns the numbers. *Epochs to* is the first epoch whose loss is below the
threshold. *Stability limit* is 2 / sharpness after training, where the sharpness is the largest eigenvalue of the exact
Hessian.

| Learning rate | Loss after 100 epochs | Outcome | Epochs to 1e-3 | Epochs to 1e-6 | Gradient norm | Stability limit |
|---:|---:|---|---:|---:|---:|---:|
{outcomes}

The lowest loss belongs to learning rate {best}; the fastest learning rate is {fastest}.

## Where convergence ends

On a quadratic loss of sharpness s, gradient descent converges only at learning rates below 2 / s. Before training the
sharpness is {sharpness}, and 2 / s is {limit}. The smallest three-digit learning rate at which the loss does rise in
some epoch, `critical_learning_rate`, is **{critical}**. Convergence to 1e-6 within the 100 epochs begins at {begins}:
below it, the steps are too short. The smallest rate above it that does not converge is {ends}: the steps overshoot.
Above {ends}, some rates converge and others do not, as the table shows.

![Above the stability limit](pictures/overshoot.svg)

| Learning rate | Loss after 100 epochs | Outcome | Epochs to 1e-3 | Epochs to 1e-6 | Gradient norm | Stability limit |
|---:|---:|---|---:|---:|---:|---:|
{overshoots}

The outcome is the first of these that holds: `diverged`, the loss overflowed; `converged`, the last loss is below
1e-6 (or below the target loss at which the sweep stops); `stalled`, the last gradient norm is below 1e-5 (saturated
sigmoids, dead units, or a minimum that is not zero); `diverged`, the last loss is above the first; `oscillating`, the
loss rose in some epoch; `descending`, it never rose.

## More than six

- `learning_rates` up to 10,000, `epochs` up to 100,000, 50 million steps in all (learning rates x epochs x samples).
- Long curves are downsampled to `max_points` each, including the first, last, lowest and highest point; `loss_epochs`
  lists their epochs. All points are at `/v1/jobs/{{id}}/curves` (CSV) and `/v1/jobs/{{id}}/curves.npz`.
- `weight_points` (up to 1,001) puts the weights at that many evenly spaced epochs into each trial (`weights`), and the
  epochs into the result (`weight_epochs`). The console's Backprop page is drawn from them.
- A result has up to 12 MB. Where final weights or outputs have no room in it, they are null, `left_out` names them, and
  `whole` says where they are: `parameters` and `outputs` in curves.npz.
- Other networks: `layers` (`[2, 3, 3, 2]`), `activation` (`sigmoid`, `tanh`, `relu`), `biases`, several `inputs` and
  `targets`, `weights` as a matrix per layer or drawn from `seed` (the result then has them as `initial_weights`),
  `stop` (`target_loss`, `patience`). The loss is then the mean over the samples of half the sum of squared errors, or,
  with `"loss": "cross_entropy"`, their cross-entropy with a softmax at the outputs.
- Other steps: `optimizer` (`gradient_descent`, `momentum`, `adam`), `batch_size` for mini-batches. They are those of
  torch, number by number (`tests/models/backprop/test_optimizers.py`).
- `POST /v1/backprop/trace` derives a step of any of these, with up to 3,000 lines. With `job`, `learning_rate` and
  `epoch` it derives a step of a sweep: `/v1/backprop/trace.html?job=ID&learning_rate=0.5&epoch=3` is a page with set
  formulas, `trace.md` one in Markdown.
- Pictures: `/v1/jobs/{{id}}/plot.svg` and `.png`, `?view=panels` for a panel per learning rate (`axis=free`: each with
  its own axis), `scale=linear` or `log`, `theme=dark`.

{derivation}
"""

if __name__ == "__main__":
    main()
