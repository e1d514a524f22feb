"""Training the embedding network on unlabelled videos (paper 2.1, 2.2)."""
