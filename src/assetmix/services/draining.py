"""Whether this process is about to end: it accepts what still comes, and keeps nobody waiting."""


class Drain:
    """A flag that is raised once."""

    def __init__(self) -> None:
        self.is_on = False

    def begin(self) -> None:
        """Raise it."""
        self.is_on = True


DRAIN = Drain()
"""That of this process: a signal reaches processes, not applications."""
