"""MantaRisk's dialect: strategies by number, portfolios by client reference."""
