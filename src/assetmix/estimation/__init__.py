"""From history to forecasts and risk models; pure functions of a snapshot."""
