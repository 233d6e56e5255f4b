"""The figures of a search: its trials in order, as parallel coordinates, and how much each setting mattered."""

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate
from typing import Any

from models.figures.colors import Theme
from models.figures.figure import Drawing, new_figure
from models.wording import counted

Trial = tuple[Mapping[str, Any], float, bool]  # settings, value, whether it was pruned


def draw_parallel(trials: Sequence[Trial], *, is_log: Collection[str], title: str, theme: Theme) -> Drawing:
    """Draws an axis for each setting and one for the value, and a line through them for each trial.

    The best trial that was not pruned stands out; pruned ones are dashed.
    """
    names = list(trials[0][0])
    figure = new_figure(max(7, 2.2 + 1.5 * len(names)), 4.2, title=title)  # as wide as those beside it
    axes = figure.subplots()
    axes.grid(visible=False)
    columns = [_place([settings[name] for settings, _, _ in trials], is_log=name in is_log) for name in names]
    columns.append(_place([100 * value for _, value, _ in trials], is_log=False))
    complete = [number for number, (_, _, is_pruned) in enumerate(trials) if not is_pruned]
    best = max(complete, key=lambda number: trials[number][1], default=None)
    for number, (_, _, is_pruned) in enumerate(trials):
        heights = [places[number] for places, _ in columns]
        color, width = (theme.other, 2.0) if number == best else (theme.faint if is_pruned else theme.main, 0.9)
        style = "--" if is_pruned else "-"
        axes.plot(range(len(columns)), heights, style, color=color, linewidth=width, zorder=3 if number == best else 2)
    for position, (_, labels) in enumerate(columns):
        axes.axvline(position, color=theme.edge, linewidth=0.8, zorder=1)
        for height, label in labels:
            axes.annotate(
                label, (position, height), (4, 4), textcoords="offset points", fontsize=8, color=theme.text,
                bbox={"facecolor": theme.surface, "edgecolor": "none", "alpha": 0.8, "pad": 1},
            )  # fmt: skip
    axes.set_xticks(range(len(columns)), [*map(_spell, names), "validation accuracy (%)"], fontsize=9)
    axes.set_yticks([])
    axes.margins(x=0.08, y=0.08)
    for side in axes.spines.values():
        side.set_visible(False)
    said = "" if best is None else f" The best reads {100 * trials[best][1]:.2f} % right: {_say(trials[best][0])}."
    return Drawing(figure, title, f"A line for each of {counted(len(trials), 'trial')}.{said}")


def draw_history(values: Sequence[tuple[int, float, bool]], *, title: str, theme: Theme) -> Drawing:
    """Draws the value of each trial by its number, and the best so far. Pruned trials are hollow, and never best."""
    figure = new_figure(7, 4, title=title)
    axes = figure.subplots()
    for label, are_pruned, fill in (("trial", False, theme.main), ("pruned", True, "none")):
        points = [(number, 100 * value) for number, value, is_pruned in values if is_pruned is are_pruned]
        if points:
            numbers, heights = zip(*points, strict=True)
            axes.scatter(numbers, heights, s=22, edgecolors=theme.main, facecolors=fill, label=label)
    complete = [(number, 100 * value) for number, value, is_pruned in values if not is_pruned]
    best = list(accumulate((value for _, value in complete), max))
    axes.step([number for number, _ in complete], best, where="post", color=theme.other, label="best so far")
    axes.set(xlabel="trial", ylabel="validation accuracy (%)")
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)  # type: ignore[call-arg]
    axes.legend()
    said = f"The best validation accuracy is {best[-1]:.2f} %." if best else "Every trial was pruned."
    return Drawing(figure, title, f"Validation accuracy of {counted(len(values), 'trial')}. {said}")


def draw_importance(importance: Mapping[str, float], *, title: str, theme: Theme) -> Drawing:
    """Draws a bar for each setting, the most important one first."""
    figure = new_figure(7, 1.4 + 0.35 * len(importance), title=title)
    axes = figure.subplots()
    axes.grid(visible=False, axis="y")
    ranked = sorted(importance.items(), key=lambda item: item[1])
    bars = axes.barh([_spell(name) for name, _ in ranked], [share for _, share in ranked], color=theme.main)
    axes.bar_label(bars, fmt="%.2f", padding=3, fontsize=9)
    axes.set(xlabel="importance (all together 1)", xlim=(0, 1.1))
    said = ", ".join(f"{_spell(name)} {share:.2f}" for name, share in reversed(ranked))
    return Drawing(figure, title, f"Importance, all together 1: {said}.")


def _say(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{_spell(name)} {value}" for name, value in settings.items())


def _spell(name: str) -> str:
    return name.replace("_", " ")


def _place(values: Sequence[Any], *, is_log: bool) -> tuple[list[float], list[tuple[float, str]]]:
    """Returns the height of each value on its axis, 0..1, and the heights and texts of the axis' labels.

    Numbers stand where their size says, other values in steps, in the order of their names.
    """
    are_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if not are_numbers:
        known = sorted({str(value) for value in values})
        heights = {name: index / max(1, len(known) - 1) for index, name in enumerate(known)}
        return [heights[str(value)] for value in values], [(height, name) for name, height in heights.items()]
    scaled = [math.log(value) if is_log else float(value) for value in values]
    low, high = min(scaled), max(scaled)
    places = [(value - low) / (high - low) if high > low else 0.5 for value in scaled]
    ends = dict(sorted(zip(places, (f"{value:.4g}" for value in values), strict=True)))
    return places, [(height, ends[height]) for height in dict.fromkeys((min(ends), max(ends)))]
