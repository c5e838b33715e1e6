"""IBM's dialect: Portfolio Optimization's construct and rebalance, answered while the caller waits."""
