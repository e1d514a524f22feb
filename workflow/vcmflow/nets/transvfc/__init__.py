"""TransVFC (Pattern Recognition 2025): coding of video features, and their transfer to tasks."""
