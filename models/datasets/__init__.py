"""Data sets that users bring: archives of pictures, IDX files, the stored form, splits and sheets. No torch."""
