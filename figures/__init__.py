"""One file a figure: compute arrays, then draw them."""
