"""Choosing the frames to keep."""
