"""Decode the kept frames and interpolate the dropped ones."""
