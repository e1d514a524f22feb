"""Vision tasks: detectors and segmenters that run on frames, and their results."""
