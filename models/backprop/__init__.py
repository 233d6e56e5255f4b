"""Backpropagation on small networks, to be read and explained. NumPy only."""
