"""Training the mini detector and the mini segmenter, from scratch, on rendered scenes."""
