"""Networks as the gradients see them: one file each, so that a map depends on its own alone."""
