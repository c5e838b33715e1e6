"""Wire to domain."""
