"""The colours of figures and overlays: the palette of Okabe and Ito (2008), distinct for colour-blind people, too."""

from dataclasses import dataclass

BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#555555"
GREEN, PURPLE, ORANGE, SKY_BLUE = "#009E73", "#CC79A7", "#E69F00", "#56B4E9"


@dataclass(frozen=True)
class Theme:
    """The colours of a figure. Those of ground and text are the console's tokens (app/console/tokens.css)."""

    ground: str
    surface: str
    text: str
    quiet: str
    line: str
    edge: str
    main: str  # what the figure is about
    other: str  # what it is compared with
    faint: str  # what is there, too
    curves: tuple[str, ...]
    map_range: tuple[float, float]  # of the colour map cividis: its ends are too near to one of the grounds


LIGHT = Theme(
    ground="#f7f7f5", surface="#ffffff", text="#17191d", quiet="#5a606a", line="#e1e2e6", edge="#868c96",
    main=BLUE, other=VERMILLION, faint=SKY_BLUE,
    curves=("#17191d", VERMILLION, BLUE, GREEN, PURPLE, ORANGE, SKY_BLUE, "#868c96"), map_range=(0, 0.85),
)  # fmt: skip
DARK = Theme(
    ground="#111316", surface="#191c20", text="#eceef1", quiet="#a2a8b2", line="#2b2f35", edge="#767d88",
    main="#62b7ea", other="#f0813a", faint="#2f6f95",
    curves=("#eceef1", "#f0813a", "#62b7ea", "#45c49b", "#dd9cc0", "#eda64a", "#9fd8f7", "#a2a8b2"), map_range=(0.3, 1),
)  # fmt: skip
