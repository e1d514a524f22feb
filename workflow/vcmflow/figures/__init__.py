"""Figures 4 to 8 of the paper and those beyond it, one module per figure."""
