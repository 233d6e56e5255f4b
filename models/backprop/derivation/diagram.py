"""Draws the 2-2-2 network: activations in its units, weights and gradients on its links."""

from typing import TYPE_CHECKING, Any

from models.backprop.network import WEIGHT_NAMES, Pair
from models.figures.colors import Theme
from models.figures.figure import Drawing, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float]

POSITIONS: dict[str, Point] = {"i1": (0, 1), "i2": (0, 0), "h1": (1, 1), "h2": (1, 0), "o1": (2, 1), "o2": (2, 0)}
# weight: (source, target, position of the label along the link); labels of crossing links must not overlap
LINKS = {
    "w1": ("i1", "h1", 0.5), "w2": ("i2", "h1", 0.27), "w3": ("i1", "h2", 0.27), "w4": ("i2", "h2", 0.5),
    "w5": ("h1", "o1", 0.5), "w6": ("h2", "o1", 0.27), "w7": ("h1", "o2", 0.27), "w8": ("h2", "o2", 0.5),
}  # fmt: skip


def draw(trace: dict[str, Any], *, weights: tuple[float, ...], inputs: Pair, targets: Pair, theme: Theme) -> Drawing:
    """Draws the network before the step. A larger gradient gives a thicker link, a negative one a dashed link."""
    figure = new_figure(9.5, 5.2, is_laid_out=False)
    axes = figure.add_axes((0.01, 0.02, 0.98, 0.96))
    axes.set(xlim=(-0.42, 2.62), ylim=(-0.42, 1.42))
    axes.axis("off")
    by_name = dict(zip(WEIGHT_NAMES, weights, strict=True))
    gradients = {name: trace["gradients"][name] for name in WEIGHT_NAMES}
    largest = max(map(abs, gradients.values())) or 1.0
    for name, (source, target, along) in LINKS.items():
        label = f"{name} = {by_name[name]:.4g}\ng = {gradients[name]:.3g}"
        width = 0.8 + 3.2 * abs(gradients[name]) / largest
        _draw_link(axes, label, gradients[name], width, (POSITIONS[source], POSITIONS[target]), along, theme)
    values = dict(zip(("i1", "i2"), inputs, strict=True)) | {
        unit: trace["forward"][f"a_{unit}"] for unit in ("h1", "h2", "o1", "o2")
    }
    for unit, position in POSITIONS.items():
        _draw_unit(axes, unit, values[unit], position, theme)
    for number, target_value in zip("12", targets, strict=True):
        _draw_target(axes, number, target_value, trace["errors"][f"E{number}"], POSITIONS[f"o{number}"])
    total = f"E_total = {trace['errors']['E_total']:.6g}"
    axes.text(1, 1.36, total, ha="center", va="center", fontsize=13)
    axes.text(
        1, -0.38, "g is the gradient dE_total/dw: a thicker link is a larger one; dashed: it is negative",
        ha="center", va="center", fontsize=9, color=theme.quiet,
    )  # fmt: skip
    units = ", ".join(f"{unit} {value:.4g}" for unit, value in values.items())
    links = ", ".join(f"{name} {by_name[name]:.4g} ({gradients[name]:.3g})" for name in LINKS)
    title = f"The 2-2-2 network, {total}"
    return Drawing(
        figure, title, f"Inputs and activations: {units}. Weights, and in brackets their gradients: {links}."
    )


def _draw_link(
    axes: "Axes", label: str, gradient: float, width: float, ends: tuple[Point, Point], along: float, theme: Theme
) -> None:
    (x0, y0), (x1, y1) = ends
    color, style = (theme.main, "-") if gradient >= 0 else (theme.other, (0, (3, 1.5)))
    axes.plot([x0, x1], [y0, y1], color=color, linewidth=width, linestyle=style, zorder=1)
    axes.text(
        x0 + along * (x1 - x0), y0 + along * (y1 - y0), label,
        ha="center", va="center", fontsize=9, zorder=2,
        bbox={"boxstyle": "round,pad=0.25", "facecolor": theme.surface, "edgecolor": theme.line, "linewidth": 0.6},
    )  # fmt: skip


def _draw_unit(axes: "Axes", unit: str, value: float, position: Point, theme: Theme) -> None:
    label = f"{unit}\n{value:.4g}" if unit.startswith("i") else f"a_{unit}\n{value:.4f}"
    axes.text(
        *position, label, ha="center", va="center", fontsize=10, zorder=3,
        bbox={"boxstyle": "circle,pad=0.35", "facecolor": theme.ground, "edgecolor": theme.text, "linewidth": 1.2},
    )  # fmt: skip


def _draw_target(axes: "Axes", number: str, target: float, error: float, position: Point) -> None:
    text = f"t{number} = {target:.4g}\nE{number} = {error:.4g}"
    axes.text(position[0] + 0.24, position[1], text, ha="left", va="center", fontsize=10)
