"""What the curve that an embedding draws is like, and how the chosen frames follow the content."""
