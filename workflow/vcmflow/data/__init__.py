"""Datasets: mini data made here, and real ones brought into the common form."""
