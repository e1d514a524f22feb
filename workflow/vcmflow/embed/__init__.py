"""Embedding the frames of a video."""
