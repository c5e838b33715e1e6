"""Dialects: each is schemas, reading, writing and routes, and knows no other."""
