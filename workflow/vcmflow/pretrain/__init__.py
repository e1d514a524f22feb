"""Training the embedding network on unlabelled videos."""
