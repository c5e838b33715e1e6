"""Use cases: one function, one transaction; domain in, domain out."""
