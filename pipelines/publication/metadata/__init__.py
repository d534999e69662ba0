"""What is said about a release, rendered from the standard: one module per metadata standard."""
