"""How much every part of a frame matters to machines."""
