"""Walk-forward backtests: a strategy decides again and again, each time with what was known then."""
