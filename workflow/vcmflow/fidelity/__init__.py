"""Fidelity of reconstructed frames, as a command."""
