"""The one base of every error that Nengtan raises on purpose."""


class NengtanError(Exception):
    """A fault that the message explains: the place, the value and the remedy.

    Each fault has its own subclass, defined beside the function that raises it, with the facts as
    attributes.
    """
