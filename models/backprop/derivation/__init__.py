"""The derivation of one step of backpropagation: as data, as a page and as a diagram."""
