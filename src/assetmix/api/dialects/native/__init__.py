"""The native dialect: the domain itself as JSON."""
