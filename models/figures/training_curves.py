"""The curves of a training of the digit network."""

from typing import TYPE_CHECKING, Any

from models.figures.colors import BLUE, VERMILLION
from models.figures.figure import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_training(epochs: list[dict[str, Any]], *, title: str) -> "Figure":
    """Draws the train loss and the validation accuracy of the epochs so far."""
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
