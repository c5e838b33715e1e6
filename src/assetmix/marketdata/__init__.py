"""Prices and reference data from outside."""
