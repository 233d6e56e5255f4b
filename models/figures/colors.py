"""The colours of figures and overlays: the palette of Okabe and Ito (2008), distinct for colour-blind people, too."""

BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#555555"
GREEN, PURPLE, ORANGE, SKY_BLUE = "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
