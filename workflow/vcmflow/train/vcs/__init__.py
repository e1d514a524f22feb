"""Training of VCS's networks."""
