"""Scores: average precision, Jaccard and F1, rates, fidelity, and Bjøntegaard differences."""
