"""Training, of everything that learns, by one loop."""
