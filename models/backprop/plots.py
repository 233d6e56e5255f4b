"""The loss curves of a sweep. A colour and a line style for each keep them apart in black and white, too."""

from typing import TYPE_CHECKING, Any

import numpy as np

from models.figures.colors import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY_BLUE, VERMILLION
from models.figures.figure import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ("#000000", VERMILLION, BLUE, GREEN, PURPLE, ORANGE, SKY_BLUE, GREY)
STYLES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1.5, 2)), (0, (1, 1)), (0, (9, 2, 2, 2, 2, 2)))
MAX_LEGEND_ENTRIES = 6  # more curves are coloured by their learning rate
MAX_CURVES = 200
MAX_PANELS = 12
MIN_LOSS = 1e-18  # on the logarithmic axis; smaller losses are rounding errors

Trial = dict[str, Any]


def draw_curves(trials: list[Trial], *, title: str) -> "Figure":
    """Draws one loss curve per learning rate, on a linear and on a logarithmic scale."""
    figure = new_figure(10.5, 4.8)
    figure.suptitle(title, fontsize=12)
    linear, logarithmic = figure.subplots(1, 2)
    shown = [trials[index] for index in _spread(len(trials), MAX_CURVES)]
    for axes in (linear, logarithmic):
        axes.set(xlabel="epoch", ylabel="E_total")
        axes.grid(color="#e6e6e6", linewidth=0.6)
    logarithmic.set_yscale("log")
    linear.set_title("linear scale", fontsize=10)
    logarithmic.set_title("logarithmic scale", fontsize=10)
    if len(trials) <= MAX_LEGEND_ENTRIES:
        _draw_styled(figure, linear, logarithmic, shown)
    else:
        _draw_coloured(figure, linear, logarithmic, shown, len(trials))
    return figure


def draw_panels(trials: list[Trial], *, title: str) -> "Figure":
    """Draws a panel per learning rate, all on one scale."""
    shown = [trials[index] for index in _spread(len(trials), MAX_PANELS)]
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    figure = new_figure(3.4 * columns + 0.4, 2.5 * rows + 0.6)
    figure.suptitle(title if len(shown) == len(trials) else f"{title} ({len(shown)} of {len(trials):,})", fontsize=12)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, trial in zip(panels, shown, strict=False):
        axes.plot(*points(trial), color=BLUE, linewidth=1.6)
        axes.set_title(f"learning rate {trial['learning_rate']:g}: {trial['outcome']}", fontsize=9)
        axes.grid(color="#e6e6e6", linewidth=0.6)
    panels[0].set_ylim(bottom=0)  # last, and for all panels (they share the axis): it fixes the top, too
    for axes in panels[len(shown) :]:
        axes.axis("off")
    for axes in panels[max(0, len(shown) - columns) : len(shown)]:
        axes.tick_params(labelbottom=True)
    figure.supxlabel("epoch", fontsize=10)
    figure.supylabel("E_total", fontsize=10)
    return figure


def points(trial: Trial) -> tuple[list[int], list[float]]:
    """Returns the epochs and the losses of a curve; NaN where it overflowed."""
    losses = [float("nan") if loss is None else loss for loss in trial["loss"]]
    return trial.get("loss_epochs") or list(range(len(losses))), losses


def _draw_styled(figure: "Figure", linear: "Axes", logarithmic: "Axes", trials: list[Trial]) -> None:
    for number, trial in enumerate(trials):
        style: dict[str, Any] = {
            "color": COLORS[number % len(COLORS)], "linestyle": STYLES[number % len(STYLES)], "linewidth": 1.8,
        }  # fmt: skip
        linear.plot(*points(trial), label=f"{trial['learning_rate']:g}", **style)
        logarithmic.plot(*_above_rounding(trial), **style)
    figure.legend(
        *linear.get_legend_handles_labels(), title="learning rate", loc="outside lower center",
        ncols=min(6, len(trials)), fontsize=9, title_fontsize=9, handlelength=3.6, frameon=False,
    )  # fmt: skip


def _draw_coloured(figure: "Figure", linear: "Axes", logarithmic: "Axes", trials: list[Trial], total: int) -> None:
    from matplotlib import colormaps  # loaded late, as in new_figure
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, LogNorm

    rates = [trial["learning_rate"] for trial in trials]
    colors = ListedColormap(colormaps["cividis"](np.linspace(0, 0.85, 256)))  # the last colours are too pale on white
    scale = ScalarMappable(LogNorm(min(rates), max(max(rates), min(rates) * 1.001)), colors)
    for trial in trials:
        color = scale.to_rgba(trial["learning_rate"])
        linear.plot(*points(trial), color=color, linewidth=0.7)
        logarithmic.plot(*_above_rounding(trial), color=color, linewidth=0.7)
    label = "learning rate" if len(trials) == total else f"learning rate ({len(trials)} of {total:,} shown)"
    figure.colorbar(scale, ax=[linear, logarithmic], label=label)


def _above_rounding(trial: Trial) -> tuple[list[int], list[float]]:
    epochs, losses = points(trial)
    return epochs, [loss if loss > MIN_LOSS else float("nan") for loss in losses]


def _spread(count: int, max_count: int) -> list[int]:
    """Returns at most `max_count` of `count` indices, evenly spread, with the first and the last."""
    indices: list[int] = np.unique(np.linspace(0, count - 1, min(count, max_count)).round().astype(int)).tolist()
    return indices
