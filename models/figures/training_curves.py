"""The curves of a training of the digit network, and those of several laid over each other."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from models.figures.colors import Theme
from models.figures.figure import Drawing, Scale, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1.5, 2)))  # six colours each
ACCURACY = "validation accuracy (%)"

Epochs = list[dict[str, Any]]


def draw_training(epochs: Epochs, *, title: str, theme: Theme, scale: Scale = "linear") -> Drawing:
    """Draws train and validation loss, and the validation accuracy, of the epochs so far."""
    figure = new_figure(9, 4, title=title)
    loss, accuracy = figure.subplots(1, 2)
    numbers, last = [epoch["epoch"] for epoch in epochs], epochs[-1]
    loss.plot(numbers, _values(epochs, "train_loss"), color=theme.main, marker="o", markersize=3, label="train")
    loss.plot(
        numbers, _values(epochs, "validation_loss"), color=theme.other, marker="s", markersize=3, label="validation"
    )
    _scale(loss, scale)
    loss.legend()
    accuracy.plot(numbers, _percent(epochs), color=theme.other, marker="s", markersize=3)
    _label(loss, "loss")
    _label(accuracy, ACCURACY)
    losses = [
        f"{name.replace('_', ' ')} {last[name]:.4f}" for name in ("train_loss", "validation_loss") if name in last
    ]
    said = ", ".join([*losses, f"validation accuracy {100 * last['validation_accuracy']:.2f} %"])
    return Drawing(figure, title, f"Loss and accuracy by epoch. After epoch {last['epoch']}: {said}.")


def draw_comparison(curves: dict[str, Epochs], *, title: str, theme: Theme, scale: Scale = "log") -> Drawing:
    """Draws the same of several trainings, by their labels."""
    figure = new_figure(12, 4 + 0.22 * len(curves), title=title)
    panels = figure.subplots(1, 3)
    for place, (label, epochs) in enumerate(curves.items()):
        numbers = [epoch["epoch"] for epoch in epochs]
        cycle, color = divmod(place, len(theme.curves))
        style: dict[str, Any] = {"color": theme.curves[color], "linestyle": STYLES[cycle], "linewidth": 1.5}
        rows = (_values(epochs, "train_loss"), _values(epochs, "validation_loss"), _percent(epochs))
        for axes, values in zip(panels, rows, strict=True):
            axes.plot(numbers, values, marker="o", markersize=3, label=label, **style)
    for axes, name in zip(panels, ("train loss", "validation loss", ACCURACY), strict=True):
        if name != ACCURACY:
            _scale(axes, scale)
        _label(axes, name)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=1, fontsize=8, handlelength=3.6)
    best = [f"{label}: {max(_percent(epochs)):.2f} %" for label, epochs in curves.items()]
    return Drawing(figure, title, f"Loss and accuracy by epoch. Best validation accuracy: {'; '.join(best)}.")


def _label(axes: "Axes", name: str) -> None:
    axes.set(xlabel="epoch", ylabel=name)
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)  # type: ignore[call-arg]


def _scale(axes: "Axes", scale: Scale) -> None:
    """Sets the scale of a loss, which spans two decades or less: more than the powers of ten are labelled."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter  # loaded late, as in new_figure

    axes.set_yscale(scale)
    if scale == "log":
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())


def _values(epochs: Epochs, name: str) -> Sequence[float]:
    """Returns NaN where an epoch does not report it: no client is promised the validation loss."""
    return [epoch.get(name, math.nan) for epoch in epochs]


def _percent(epochs: Epochs) -> list[float]:
    return [100 * epoch["validation_accuracy"] for epoch in epochs]
