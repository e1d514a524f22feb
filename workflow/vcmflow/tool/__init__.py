"""The tool for one's own videos: containers, and commands for people."""
