"""Descriptions of ONNX detectors (YAML), and how they are read and their outputs decoded."""
