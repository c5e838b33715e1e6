"""InvestSuite's dialect: the optimization object and how it is polled."""
