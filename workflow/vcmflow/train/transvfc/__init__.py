"""Training of TransVFC's codec."""
