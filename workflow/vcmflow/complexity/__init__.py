"""Parameters, FLOPs and speed of the samplers."""
