"""Encode the kept frames: codecs, colour conversion and bitstream checks."""
