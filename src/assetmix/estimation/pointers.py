"""JSON pointers to what is named by id."""


def at(pointer: str, key: str) -> str:
    """Extend a JSON pointer by a key, escaped as RFC 6901 asks."""
    return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
