"""The demo: a tenant, real prices, three strategies, one portfolio, one rebalance over HTTP."""
