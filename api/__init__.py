"""Door two: HTTP over the same stored results."""
