"""The process's clock, for what is decided or signed now; what is stored takes the database's."""

import datetime as dt


def now() -> dt.datetime:
    """Moment, in UTC."""
    return dt.datetime.now(dt.UTC)  # noqa: TID251 - the one place where this clock is read
