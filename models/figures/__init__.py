"""Figures drawn with matplotlib: what all of them share, and the curves of a training."""
