"""Creates figures and writes them as files."""

import io
import threading
from typing import TYPE_CHECKING, Literal

from models.figures.colors import GREY

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Format = Literal["svg", "png"]

_matplotlib_lock = threading.Lock()  # matplotlib's settings and fonts belong to the whole process


def new_figure(width: float, height: float, *, is_laid_out: bool = True) -> "Figure":
    """Returns an empty figure, in inches. `is_laid_out` lets matplotlib arrange its axes."""
    from matplotlib.figure import Figure  # loaded with the first figure: it takes 0.3 s and 40 MB

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained" if is_laid_out else None)
    if is_laid_out:
        figure.get_layout_engine().set(w_pad=0.08, h_pad=0.06)  # type: ignore[union-attr,call-arg]
    return figure


def render(figure: "Figure", picture_format: Format) -> bytes:
    """Returns the figure as a file. The same figure always gives the same bytes."""
    import matplotlib  # see new_figure

    file = io.BytesIO()
    metadata = {"Date": None} if picture_format == "svg" else {}
    with _matplotlib_lock, matplotlib.rc_context({"svg.hashsalt": "numeral"}):
        figure.savefig(file, format=picture_format, metadata=metadata)
    return file.getvalue()


def draw_message(title: str, text: str) -> "Figure":
    """Draws a text where there is no curve yet."""
    figure = new_figure(7, 3, is_laid_out=False)
    figure.suptitle(title, fontsize=12)
    figure.text(0.5, 0.45, text, ha="center", va="center", fontsize=11, color=GREY, wrap=True)
    return figure
