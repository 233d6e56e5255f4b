"""The colours of plots and overlays: the palette of Okabe and Ito (2008), which colour-blind people can tell apart."""

BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#555555"
GREEN, PURPLE, ORANGE, SKY_BLUE = "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
