"""The colours of figures and overlays: the hues of Okabe and Ito (2008), distinct for colour-blind people, too."""

from dataclasses import dataclass

BLUE, VERMILLION = "#0072B2", "#D55E00"


@dataclass(frozen=True)
class Theme:
    """The colours of a figure: the tokens of the console (app/console/tokens.css), where a curve looks the same."""

    ground: str
    surface: str
    text: str
    quiet: str
    line: str
    edge: str
    faint: str  # what is there, too
    curves: tuple[str, str, str, str, str, str]  # --series-1 to 6
    map_range: tuple[float, float]  # of the colour map cividis: its ends are too near to one of the grounds

    @property
    def main(self) -> str:
        """What the figure is about."""
        return self.curves[0]

    @property
    def other(self) -> str:
        """What it is compared with."""
        return self.curves[1]


LIGHT = Theme(
    ground="#f7f7f5", surface="#ffffff", text="#17191d", quiet="#5a606a", line="#e1e2e6", edge="#868c96",
    faint="#56b4e9", curves=("#0072b2", "#c64a00", "#00805d", "#a8528c", "#8f6a00", "#4a5059"), map_range=(0, 0.85),
)  # fmt: skip
DARK = Theme(
    ground="#111316", surface="#191c20", text="#eceef1", quiet="#a2a8b2", line="#2b2f35", edge="#767d88",
    faint="#2f6f95", curves=("#56b4e9", "#ff8f52", "#35c79b", "#e49bc8", "#e6b93f", "#b9bfc9"), map_range=(0.3, 1),
)  # fmt: skip
