"""The wire, word for word; no behavior."""
