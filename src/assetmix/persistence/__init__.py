"""Postgres: tables, transactions, and one repository a noun; the only SQL in the house."""
