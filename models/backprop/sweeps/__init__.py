"""Sweeps over learning rates: one network per rate, trained together, and what became of each."""
