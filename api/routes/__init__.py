"""One thin file per function: request to keyword call, result to schema."""
