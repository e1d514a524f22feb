"""vcmflow: a reproducible experiment workflow, and the tool, for video coding for machines."""

__version__ = "0.1.0"
