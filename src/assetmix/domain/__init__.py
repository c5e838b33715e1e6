"""Nouns of the field: frozen records of the standard library and numpy."""
