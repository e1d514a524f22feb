"""Training of the small network of clips on rendered motions."""
