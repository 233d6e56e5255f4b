"""The curves of a training of the digit network, and those of several laid over each other."""

from typing import TYPE_CHECKING, Any

from models.figures.colors import BLUE, VERMILLION
from models.figures.figure import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLES = ("-", (0, (6, 2)), (0, (2, 1.5)))  # ten colours each

Epochs = list[dict[str, Any]]


def draw_training(epochs: Epochs, *, title: str) -> "Figure":
    """Draws the train loss and the validation accuracy of the epochs so far."""
    figure, loss, accuracy = _new_figure(title, height=4)
    numbers = [epoch["epoch"] for epoch in epochs]
    loss.plot(numbers, [epoch["train_loss"] for epoch in epochs], color=VERMILLION, marker="o", markersize=3)
    accuracy.plot(numbers, _percent(epochs), color=BLUE, marker="s", markersize=3)
    return figure


def draw_comparison(curves: dict[str, Epochs], *, title: str) -> "Figure":
    """Draws the same of several trainings, by their labels."""
    figure, loss, accuracy = _new_figure(title, height=4 + 0.22 * len(curves))
    loss.set_yscale("log")
    for place, (label, epochs) in enumerate(curves.items()):
        numbers = [epoch["epoch"] for epoch in epochs]
        style: dict[str, Any] = {"color": f"C{place % 10}", "linestyle": STYLES[place // 10], "linewidth": 1.5}
        loss.plot(numbers, [epoch["train_loss"] for epoch in epochs], marker="o", markersize=3, label=label, **style)
        accuracy.plot(numbers, _percent(epochs), marker="o", markersize=3, **style)
    handles, labels = loss.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=1, fontsize=8, handlelength=3.6, frameon=False)
    return figure


def _new_figure(title: str, *, height: float) -> "tuple[Figure, Axes, Axes]":
    figure = new_figure(9, height)
    figure.suptitle(title, fontsize=12)
    loss, accuracy = figure.subplots(1, 2)
    loss.set(xlabel="epoch", ylabel="train loss")
    accuracy.set(xlabel="epoch", ylabel="validation accuracy (%)")
    for axes in (loss, accuracy):
        axes.grid(color="#e6e6e6", linewidth=0.6)
        axes.xaxis.get_major_locator().set_params(integer=True)
    return figure, loss, accuracy


def _percent(epochs: Epochs) -> list[float]:
    return [100 * epoch["validation_accuracy"] for epoch in epochs]
