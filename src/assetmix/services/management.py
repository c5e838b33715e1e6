"""Who manages a portfolio, and with which settings, as its details say."""

from typing import Any

USER_MANAGED = "USER_MANAGED"
ADVISORY = "ROBO_ADVISOR_ADVISORY"
UNMANAGED = {"manager": USER_MANAGED, "manager_version": 1}
"""Configuration of portfolios that were written without one, through other paths."""


def config_of(details: dict[str, Any]) -> dict[str, Any]:
    """Give the configuration that holds for a portfolio."""
    return dict(details.get("config") or UNMANAGED)


def manager_of(details: dict[str, Any]) -> str:
    """Give who manages a portfolio."""
    return str(config_of(details)["manager"])


def settings_of(details: dict[str, Any]) -> dict[str, Any]:
    """Give the settings of a portfolio's manager, as far as they were given."""
    return dict(config_of(details).get("manager_settings", {}))


def is_managed(details: dict[str, Any]) -> bool:
    """Whether the service has the portfolio optimized by itself."""
    return manager_of(details) != USER_MANAGED
