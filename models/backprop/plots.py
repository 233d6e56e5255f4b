"""Pictures of loss curves, readable in black and white: colours of Okabe and Ito (2008), and a line style for each."""

import io
import threading
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from models.colors import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY_BLUE, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ("#000000", VERMILLION, BLUE, GREEN, PURPLE, ORANGE, SKY_BLUE, GREY)
STYLES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1.5, 2)), (0, (1, 1)), (0, (9, 2, 2, 2, 2, 2)))
LEGEND_ENTRIES = 6  # more curves are coloured by their learning rate instead
MOST_CURVES = 200
MOST_PANELS = 12
SMALLEST_LOSS = 1e-18  # what a logarithmic axis shows; below it there is only rounding

Trial = dict[str, Any]
Format = Literal["svg", "png"]

_drawing = threading.Lock()  # matplotlib's settings and fonts belong to the whole process


def new_figure(width: float, height: float, *, is_laid_out: bool = True) -> "Figure":
    """An empty picture of so many inches, whose plots make room for one another."""
    from matplotlib.figure import Figure  # 0.3 s and 40 MB, which only those pay who ask for a picture

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained" if is_laid_out else None)
    if is_laid_out:
        figure.get_layout_engine().set(w_pad=0.08, h_pad=0.06)  # type: ignore[union-attr,call-arg]
    return figure


def render(figure: "Figure", picture_format: Format) -> bytes:
    """The picture as a file; the same figure always gives the same bytes."""
    import matplotlib  # see new_figure

    file = io.BytesIO()
    metadata = {"Date": None} if picture_format == "svg" else {}
    with _drawing, matplotlib.rc_context({"svg.hashsalt": "numeral"}):
        figure.savefig(file, format=picture_format, metadata=metadata)
    return file.getvalue()


def sweep_curves(trials: list[Trial], *, title: str) -> "Figure":
    """One loss curve per learning rate, on a linear and on a logarithmic scale, side by side."""
    figure = new_figure(10.5, 4.8)
    figure.suptitle(title, fontsize=12)
    linear, logarithmic = figure.subplots(1, 2)
    shown = [trials[index] for index in _spread(len(trials), MOST_CURVES)]
    for axes in (linear, logarithmic):
        axes.set(xlabel="epoch", ylabel="E_total")
        axes.grid(color="#e6e6e6", linewidth=0.6)
    logarithmic.set_yscale("log")
    linear.set_title("linear scale", fontsize=10)
    logarithmic.set_title("logarithmic scale", fontsize=10)
    if len(trials) <= LEGEND_ENTRIES:
        _styled_curves(figure, linear, logarithmic, shown)
    else:
        _coloured_curves(figure, linear, logarithmic, shown, len(trials))
    return figure


def sweep_panels(trials: list[Trial], *, title: str) -> "Figure":
    """A small panel per learning rate, as in the reference report: all on one scale, so that they compare."""
    shown = [trials[index] for index in _spread(len(trials), MOST_PANELS)]
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    figure = new_figure(3.4 * columns + 0.4, 2.5 * rows + 0.6)
    figure.suptitle(title if len(shown) == len(trials) else f"{title} ({len(shown)} of {len(trials):,})", fontsize=12)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, trial in zip(panels, shown, strict=False):
        axes.plot(*points(trial), color=BLUE, linewidth=1.6)
        axes.set_title(f"learning rate {trial['learning_rate']:g}: {trial['outcome']}", fontsize=9)
        axes.grid(color="#e6e6e6", linewidth=0.6)
    panels[0].set_ylim(bottom=0)  # of all panels, now that their common top is known
    for axes in panels[len(shown) :]:
        axes.axis("off")
    for axes in panels[max(0, len(shown) - columns) : len(shown)]:
        axes.tick_params(labelbottom=True)
    figure.supxlabel("epoch", fontsize=10)
    figure.supylabel("E_total", fontsize=10)
    return figure


def training_curves(epochs: list[dict[str, Any]], *, title: str) -> "Figure":
    """Train loss and validation accuracy of the epochs so far."""
    figure = new_figure(9, 4)
    figure.suptitle(title, fontsize=12)
    loss, accuracy = figure.subplots(1, 2)
    numbers = [epoch["epoch"] for epoch in epochs]
    loss.plot(numbers, [epoch["train_loss"] for epoch in epochs], color=VERMILLION, marker="o", markersize=3)
    accuracy.plot(
        numbers, [100 * epoch["validation_accuracy"] for epoch in epochs], color=BLUE, marker="s", markersize=3
    )
    loss.set(xlabel="epoch", ylabel="train loss")
    accuracy.set(xlabel="epoch", ylabel="validation accuracy (%)")
    for axes in (loss, accuracy):
        axes.grid(color="#e6e6e6", linewidth=0.6)
        axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def message(title: str, text: str) -> "Figure":
    """A picture that says why there is no curve yet."""
    figure = new_figure(7, 3, is_laid_out=False)
    figure.suptitle(title, fontsize=12)
    figure.text(0.5, 0.45, text, ha="center", va="center", fontsize=11, color=GREY, wrap=True)
    return figure


def points(trial: Trial) -> tuple[list[int], list[float]]:
    """Epochs and losses of a curve of a result; NaN where it overflowed."""
    losses = [float("nan") if loss is None else loss for loss in trial["loss"]]
    return trial.get("loss_epochs") or list(range(len(losses))), losses


def _styled_curves(figure: "Figure", linear: "Axes", logarithmic: "Axes", trials: list[Trial]) -> None:
    for number, trial in enumerate(trials):
        look: dict[str, Any] = {
            "color": COLORS[number % len(COLORS)], "linestyle": STYLES[number % len(STYLES)], "linewidth": 1.8,
        }  # fmt: skip
        linear.plot(*points(trial), label=f"{trial['learning_rate']:g}", **look)
        logarithmic.plot(*_above_rounding(trial), **look)
    figure.legend(
        *linear.get_legend_handles_labels(), title="learning rate", loc="outside lower center",
        ncols=min(6, len(trials)), fontsize=9, title_fontsize=9, handlelength=3.6, frameon=False,
    )  # fmt: skip


def _coloured_curves(figure: "Figure", linear: "Axes", logarithmic: "Axes", trials: list[Trial], total: int) -> None:
    from matplotlib import colormaps  # see new_figure
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, LogNorm

    rates = [trial["learning_rate"] for trial in trials]
    colors = ListedColormap(colormaps["cividis"](np.linspace(0, 0.85, 256)))  # its end is too pale for white paper
    scale = ScalarMappable(LogNorm(min(rates), max(max(rates), min(rates) * 1.001)), colors)
    for trial in trials:
        color = scale.to_rgba(trial["learning_rate"])
        linear.plot(*points(trial), color=color, linewidth=0.7)
        logarithmic.plot(*_above_rounding(trial), color=color, linewidth=0.7)
    note = "learning rate" if len(trials) == total else f"learning rate ({len(trials)} of {total:,} shown)"
    figure.colorbar(scale, ax=[linear, logarithmic], label=note)


def _above_rounding(trial: Trial) -> tuple[list[int], list[float]]:
    epochs, losses = points(trial)
    return epochs, [loss if loss > SMALLEST_LOSS else float("nan") for loss in losses]


def _spread(count: int, most: int) -> list[int]:
    """At most `most` of `count` indices, evenly spread, the first and last among them."""
    indices: list[int] = np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist()
    return indices
