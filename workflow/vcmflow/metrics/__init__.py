"""The numbers and curves that DVC compares between versions and experiments."""
