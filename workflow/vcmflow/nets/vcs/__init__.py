"""VCS: the networks of a semantic stream beside an ordinary video codec."""
