"""Detecting and tracking objects through videos."""
