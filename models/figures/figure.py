"""Creates figures and writes them as files."""

import io
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol
from xml.sax.saxutils import escape

from models.figures.colors import DARK, LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Format = Literal["svg", "png"]
ThemeName = Literal["light", "dark"]
Scale = Literal["linear", "log"]

THEMES: dict[ThemeName, Theme] = {"light": LIGHT, "dark": DARK}
FONT = "'DejaVu Sans'"  # the one that comes with matplotlib; broad, so that no other needs more room
FONTS = f"system-ui, -apple-system, 'Segoe UI', Roboto, {FONT}, sans-serif"

_matplotlib_lock = threading.Lock()  # matplotlib's settings and fonts belong to the whole process


@dataclass(frozen=True)
class Drawing:
    """A figure, and what it says in words, for those who cannot see it."""

    figure: "Figure"
    title: str
    description: str


class Draw(Protocol):
    """Draws a figure in the colours of a theme."""

    def __call__(self, *, theme: Theme) -> Drawing: ...


def new_figure(width: float, height: float, *, title: str = "", is_laid_out: bool = True) -> "Figure":
    """Returns an empty figure, in inches. `is_laid_out` lets matplotlib arrange its axes."""
    from matplotlib.figure import Figure  # loaded with the first figure: it takes 0.3 s and 40 MB

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained" if is_laid_out else None)
    if is_laid_out:
        figure.get_layout_engine().set(w_pad=0.08, h_pad=0.06)  # type: ignore[union-attr,call-arg]
    if title:
        figure.suptitle(title, parse_math=False)  # with names that people chose
    return figure


def render(draw: Draw, picture_format: Format, *, theme: ThemeName = "light") -> bytes:
    """Returns a figure as a file. The same figure always gives the same bytes."""
    import matplotlib  # see new_figure

    file = io.BytesIO()
    metadata = {"Date": None} if picture_format == "svg" else {}
    with _matplotlib_lock, matplotlib.rc_context(_settings(THEMES[theme])):
        drawing = draw(theme=THEMES[theme])
        drawing.figure.savefig(file, format=picture_format, metadata=metadata)
    return _finish_svg(file.getvalue().decode(), drawing) if picture_format == "svg" else file.getvalue()


def draw_message(title: str, text: str, *, theme: Theme) -> Drawing:
    """Draws a text where there is no curve yet."""
    figure = new_figure(7, 3, title=title, is_laid_out=False)
    figure.text(0.5, 0.45, text, ha="center", va="center", fontsize=11, color=theme.quiet, wrap=True)
    return Drawing(figure, title, text)


def _settings(theme: Theme) -> Any:
    """matplotlib's settings for figures of this theme, whose text stays text."""
    return {
        "svg.fonttype": "none",
        "svg.hashsalt": "numeral",
        "text.color": theme.text,
        "figure.facecolor": theme.surface,
        "figure.titlesize": 12,
        "axes.facecolor": theme.surface,
        "axes.edgecolor": theme.edge,
        "axes.labelcolor": theme.quiet,
        "axes.titlecolor": theme.text,
        "axes.titlesize": 10,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "grid.color": theme.line,
        "grid.linewidth": 0.6,
        "xtick.color": theme.edge,
        "ytick.color": theme.edge,
        "xtick.labelcolor": theme.quiet,
        "ytick.labelcolor": theme.quiet,
        "legend.frameon": False,
        "legend.fontsize": 9,
        "legend.title_fontsize": 9,
    }


def _finish_svg(svg: str, drawing: Drawing) -> bytes:
    """Returns the file with its title and description, in the reader's font, and as wide as there is room."""
    words = f"<title>{escape(drawing.title)}</title><desc>{escape(drawing.description)}</desc>"
    size = re.search(r'<svg [^>]*?( width="([\d.]+)pt" height="[\d.]+pt")[^>]*>', svg)
    if size is None:
        raise ValueError("matplotlib wrote an SVG without a size")
    width = float(size[2]) * 4 / 3  # of points in CSS pixels
    root = size[0].replace(size[1], f' role="img" style="max-width: {width:.0f}px"')
    return svg.replace(size[0], root + words, 1).replace(FONT, FONTS).encode()
