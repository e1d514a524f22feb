"""The renderer of the mini data: railway-like scenes with exact ground truth."""
