"""The loss curves of a sweep. A colour and a line style for each keep them apart in black and white, too."""

from typing import TYPE_CHECKING, Any

import numpy as np

from models.figures.colors import Theme
from models.figures.figure import Drawing, Scale, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1.5, 2)), (0, (1, 1)), (0, (9, 2, 2, 2, 2, 2)))
MAX_LEGEND_ENTRIES = 6  # more curves are coloured by their learning rate
MAX_CURVES = 200
MAX_PANELS = 12
MIN_LOSS = 1e-18  # on the logarithmic axis; smaller losses are rounding errors

Trial = dict[str, Any]


def draw_curves(trials: list[Trial], *, title: str, theme: Theme, scale: Scale | None = None) -> Drawing:
    """Draws one loss curve per learning rate, on the scale that is asked for or on both."""
    scales: tuple[Scale, ...] = (scale,) if scale else ("linear", "log")
    figure = new_figure(10.5 if scale is None else 8, 4.8, title=title)
    shown = [trials[index] for index in _spread(len(trials), MAX_CURVES)]
    panels = list(figure.subplots(1, len(scales), squeeze=False)[0])
    for axes, name in zip(panels, scales, strict=True):
        axes.set(xlabel="epoch", ylabel="E_total", yscale=name)
        axes.set_title("linear scale" if name == "linear" else "logarithmic scale")
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    if len(trials) <= MAX_LEGEND_ENTRIES:
        _draw_styled(figure, panels, shown, theme)
    else:
        _draw_coloured(figure, panels, shown, len(trials), theme)
    return Drawing(figure, title, _describe(trials))


def draw_panels(
    trials: list[Trial], *, title: str, theme: Theme, scale: Scale = "linear", is_shared: bool = True
) -> Drawing:
    """Draws a panel per learning rate, all on one axis of the loss or each on its own."""
    shown = [trials[index] for index in _spread(len(trials), MAX_PANELS)]
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    whole_title = title if len(shown) == len(trials) else f"{title} ({len(shown)} of {len(trials):,})"
    figure = new_figure(3.4 * columns + 0.4, 2.5 * rows + 0.6, title=whole_title)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=is_shared).ravel()
    for axes, trial in zip(panels, shown, strict=False):
        axes.set_yscale(scale)
        axes.plot(*(points(trial) if scale == "linear" else _above_rounding(trial)), color=theme.main, linewidth=1.6)
        axes.set_title(f"learning rate {trial['learning_rate']:g}: {trial['outcome']}", fontsize=9)
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    if scale == "linear":  # last: with a shared axis it fixes the top for all panels, too
        for axes in panels[: 1 if is_shared else len(shown)]:
            axes.set_ylim(bottom=0)
    for axes in panels[len(shown) :]:
        axes.axis("off")
    for axes in panels[max(0, len(shown) - columns) : len(shown)]:
        axes.tick_params(labelbottom=True)
    for name, place in (("epoch", figure.supxlabel), ("E_total", figure.supylabel)):
        place(name, fontsize=10, color=theme.quiet)
    return Drawing(figure, whole_title, _describe(trials))


def points(trial: Trial) -> tuple[list[int], list[float]]:
    """Returns the epochs and the losses of a curve; NaN where it overflowed."""
    losses = [float("nan") if loss is None else loss for loss in trial["loss"]]
    return trial.get("loss_epochs") or list(range(len(losses))), losses


def _draw_styled(figure: "Figure", panels: "list[Axes]", trials: list[Trial], theme: Theme) -> None:
    for number, trial in enumerate(trials):
        color, line = theme.curves[number % len(theme.curves)], STYLES[number % len(STYLES)]
        label = f"{trial['learning_rate']:g}"
        for axes in panels:
            axes.plot(*_points_on(axes, trial), color=color, linestyle=line, linewidth=1.8, label=label)
    figure.legend(
        *panels[0].get_legend_handles_labels(), title="learning rate", loc="outside lower center",
        ncols=min(6, len(trials)), handlelength=3.6,
    )  # fmt: skip


def _draw_coloured(figure: "Figure", panels: "list[Axes]", trials: list[Trial], total: int, theme: Theme) -> None:
    from matplotlib import colormaps  # loaded late, as in new_figure
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, LogNorm

    rates = [trial["learning_rate"] for trial in trials]
    colors = ListedColormap(colormaps["cividis"](np.linspace(*theme.map_range, 256)))
    scale = ScalarMappable(LogNorm(min(rates), max(max(rates), min(rates) * 1.001)), colors)
    for trial in trials:
        for axes in panels:
            axes.plot(*_points_on(axes, trial), color=scale.to_rgba(trial["learning_rate"]), linewidth=0.7)
    label = "learning rate" if len(trials) == total else f"learning rate ({len(trials)} of {total:,} shown)"
    figure.colorbar(scale, ax=panels, label=label)


def _points_on(axes: "Axes", trial: Trial) -> tuple[list[int], list[float]]:
    return points(trial) if axes.get_yscale() == "linear" else _above_rounding(trial)


def _above_rounding(trial: Trial) -> tuple[list[int], list[float]]:
    epochs, losses = points(trial)
    return epochs, [loss if loss > MIN_LOSS else float("nan") for loss in losses]


def _spread(count: int, max_count: int) -> list[int]:
    """Returns at most `max_count` of `count` indices, evenly spread, with the first and the last."""
    indices: list[int] = np.unique(np.linspace(0, count - 1, min(count, max_count)).round().astype(int)).tolist()
    return indices


def _describe(trials: list[Trial]) -> str:
    """Returns how the loss of each learning rate ended; of many, those that are shown as panels."""
    shown = [trials[index] for index in _spread(len(trials), MAX_PANELS)]
    ends = [f"{trial['learning_rate']:g} {trial['outcome']} at {_last_loss(trial)}" for trial in shown]
    of = "" if len(shown) == len(trials) else f" {len(shown)} of {len(trials):,}:"
    return f"E_total by epoch, a curve for each learning rate.{of} {'; '.join(ends)}."


def _last_loss(trial: Trial) -> str:
    last = trial["loss"][-1]
    return "overflow" if last is None else f"{last:.4g}"
