"""The published networks, rewritten; official checkpoints give their official outputs."""
