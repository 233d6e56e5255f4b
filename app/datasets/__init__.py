"""Data sets that users bring: uploaded ones, and the one that feedback fills."""
