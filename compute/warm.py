"""Temporary."""


def warm() -> None:
    """Do nothing yet."""
