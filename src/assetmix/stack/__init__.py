"""The embedded stack: real Postgres and Valkey, and our own processes, under one supervisor."""
