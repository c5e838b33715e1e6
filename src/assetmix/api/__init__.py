"""HTTP: four dialects over one set of use cases. Nothing here solves."""
