"""What crosses stages: errors, files, registries, video, devices, decisions, tables of scores."""
