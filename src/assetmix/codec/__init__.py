"""Core to JSON and back, by type, generated from the registers; the only pydantic beside the core."""
