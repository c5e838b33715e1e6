"""Commands that speak to a running service over HTTP, as any client can."""
