"""One step of backpropagation, explained: as data, as a page, as a picture."""
