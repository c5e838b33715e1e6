"""From the continuous optimum to trades in whole lots or steps, with exact cash."""
