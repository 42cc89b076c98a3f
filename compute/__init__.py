"""The bench: pure mathematics by method, arrays and frozen records in, arrays out."""
