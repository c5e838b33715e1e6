"""An open portfolio optimization service."""

__version__ = "0.1.0"
