"""What a choice of frames is worth: all choices, or many of them, tried without any coding."""
