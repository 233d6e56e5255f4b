"""The 2-2-2 network as a picture: activations in its units, weights and gradients on its links."""

from typing import TYPE_CHECKING, Any

from models.backprop.network import WEIGHT_NAMES, Pair
from models.backprop.plots import new_figure
from models.colors import BLUE, GREY, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLACES = {"i1": (0, 1), "i2": (0, 0), "h1": (1, 1), "h2": (1, 0), "o1": (2, 1), "o2": (2, 0)}
# weight: from, to, and how far along the link its label stands, so that crossing links keep theirs apart
LINKS = {
    "w1": ("i1", "h1", 0.5), "w2": ("i2", "h1", 0.27), "w3": ("i1", "h2", 0.27), "w4": ("i2", "h2", 0.5),
    "w5": ("h1", "o1", 0.5), "w6": ("h2", "o1", 0.27), "w7": ("h1", "o2", 0.27), "w8": ("h2", "o2", 0.5),
}  # fmt: skip


def draw(trace: dict[str, Any], *, weights: tuple[float, ...], inputs: Pair, targets: Pair) -> "Figure":
    """The network before the step: a link is as thick as its gradient is large, dashed where it raises its weight."""
    figure = new_figure(9.5, 5.2, is_laid_out=False)
    axes = figure.add_axes((0.01, 0.02, 0.98, 0.96))
    axes.set(xlim=(-0.42, 2.62), ylim=(-0.42, 1.42))
    axes.axis("off")
    by_name = dict(zip(WEIGHT_NAMES, weights, strict=True))
    largest = max(abs(trace["gradients"][name]) for name in WEIGHT_NAMES) or 1.0
    for name, (source, target, along) in LINKS.items():
        _link(axes, name, by_name[name], trace["gradients"][name], largest, PLACES[source], PLACES[target], along)
    values = dict(zip(("i1", "i2"), inputs, strict=True)) | {
        unit: trace["forward"][f"a_{unit}"] for unit in ("h1", "h2", "o1", "o2")
    }
    for unit, place in PLACES.items():
        _unit(axes, unit, values[unit], place)
    for number, wanted in zip("12", targets, strict=True):
        _target(axes, number, wanted, trace["errors"][f"E{number}"], PLACES[f"o{number}"])
    axes.text(1, 1.36, f"E_total = {trace['errors']['E_total']:.6g}", ha="center", va="center", fontsize=13)
    axes.text(
        1, -0.38, "g is the gradient dE_total/dw: a thicker link is a larger one; dashed: it is negative",
        ha="center", va="center", fontsize=9, color=GREY,
    )  # fmt: skip
    return figure


def _link(
    axes: "Axes",
    name: str,
    weight: float,
    gradient: float,
    largest: float,
    start: tuple[float, float],
    end: tuple[float, float],
    along: float,
) -> None:
    (x0, y0), (x1, y1) = start, end
    width = 0.8 + 3.2 * abs(gradient) / largest
    color, style = (BLUE, "-") if gradient >= 0 else (VERMILLION, (0, (3, 1.5)))
    axes.plot([x0, x1], [y0, y1], color=color, linewidth=width, linestyle=style, zorder=1)
    axes.text(
        x0 + along * (x1 - x0), y0 + along * (y1 - y0), f"{name} = {weight:.4g}\ng = {gradient:.3g}",
        ha="center", va="center", fontsize=9, zorder=2,
        bbox={"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": "#cccccc", "linewidth": 0.6},
    )  # fmt: skip


def _unit(axes: "Axes", unit: str, value: float, place: tuple[float, float]) -> None:
    label = f"{unit}\n{value:.4g}" if unit.startswith("i") else f"a_{unit}\n{value:.4f}"
    axes.text(
        *place, label, ha="center", va="center", fontsize=10, zorder=3,
        bbox={"boxstyle": "circle,pad=0.35", "facecolor": "#f2f2f2", "edgecolor": "black", "linewidth": 1.2},
    )  # fmt: skip


def _target(axes: "Axes", number: str, target: float, error: float, place: tuple[float, float]) -> None:
    text = f"t{number} = {target:.4g}\nE{number} = {error:.4g}"
    axes.text(place[0] + 0.24, place[1], text, ha="left", va="center", fontsize=10)
