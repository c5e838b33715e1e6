"""Domain to wire."""
