"""The configuration: typed models of params.yaml, and how a run's settings are put together."""
