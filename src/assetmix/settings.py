"""One Settings class, read once, at the entry points."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from assetmix.errors import Misconfigured


class Settings(BaseSettings):
    """Environment of a process; every name may be given as `ASSETMIX_…` too, addresses without."""

    model_config = SettingsConfigDict(env_prefix="ASSETMIX_", populate_by_name=True, env_parse_none_str="null")

    database_url: SecretStr = Field(alias="DATABASE_URL")
    redis_url: SecretStr = Field(alias="REDIS_URL")
    metrics_database_url: SecretStr | None = Field(default=None, alias="METRICS_DATABASE_URL")
    metrics_token: SecretStr | None = None
    """What `GET /metrics` asks for; without one it answers this machine only."""

    key_pepper: SecretStr
    """Secret mixed into every stored key hash; the same for all processes."""

    pool_size: int = 10
    database_seconds: float = 15.0
    """How long a request may keep a connection to the database; uploads may keep it for longer."""

    lease_seconds: float = 30.0
    heartbeat_seconds: float = 2.0
    max_attempts: int = 3
    """Times that a run may be lost with its process before it is given up."""

    tenant_share: float = 0.75
    """Part of all worker processes that one tenant may keep busy, rounded up."""

    patience_seconds: float = 10.0
    """How long a request's headers, or the next piece of its body, may take."""

    drain_seconds: float = 0.0
    """How long the API says that it will end before it does, so that load balancers can notice."""

    grace_seconds: float = 30.0
    """How long a worker that was asked to end lets its runs go on; then it gives them back."""

    sign_seconds: float = 10.0
    """Pause between two signs of life that an idle worker sends itself through the queue."""

    deaf_seconds: float = 60.0
    """A worker that hears none of its own signs for so long, though the queue takes them, ends itself."""

    reap_seconds: float = 1.0
    """Pause between two sweeps of the scheduler."""

    audit_days: int = 400
    """How long it is kept who did what, whatever a tenant sets."""

    purge_seconds: float = 3600.0
    """Pause between two purges of what is kept no longer."""

    nightly_hour: Annotated[int, Field(ge=0, le=23)] | None = 2
    """Hour (UTC) from which on all managed portfolios are optimized once a day; `null` for never."""

    webhook_seconds: float = 15.0
    """How long an endpoint may take to answer."""

    webhook_pauses: tuple[float, ...] = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
    """Seconds before each attempt to send a message, as Standard Webhooks has them."""

    webhook_networks: tuple[str, ...] = ()
    """Networks of one's own (CIDR) that messages may go to, without TLS too; by default to public servers only."""

    sweep_file: Path | None = None
    """Touched after every sweep, so that a health check can see the scheduler work."""

    ring_seconds: float = 5.0
    """How long a queued run may wait before its bell is rung again; doubles up to `ring_seconds_most`."""

    ring_seconds_most: float = 60.0
    solve_memory_mb: int = 2048
    snapshot_memory: int = 32
    """Snapshots and compiled problems kept by a process that uses them."""

    requests_per_minute: int = 60_000
    """Requests a minute of one tenant to one API process; a tenant may set itself less."""

    failures_per_minute: int = 600
    """Refused keys a minute from one address, before it is told to slow down."""

    active_runs: int = 20_000
    """Runs of one tenant that may wait or run at the same time; a tenant may set itself less."""

    most_body_mb: int = 2
    most_data_mb: int = 64

    @property
    def async_database_url(self) -> str:
        """Address of the database with the async driver named."""
        return _with_driver(self.database_url)

    @property
    def async_metrics_url(self) -> str | None:
        """Address of the database for figures, with the async driver named."""
        return None if self.metrics_database_url is None else _with_driver(self.metrics_database_url)


def _with_driver(address: SecretStr) -> str:
    scheme, rest = address.get_secret_value().split("://", 1)
    driver = "postgresql+asyncpg" if scheme in {"postgres", "postgresql"} else scheme
    return f"{driver}://{rest}"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Read the settings of this process from its environment, once.

    Raises
    ------
    Misconfigured
        naming the variables that are missing or wrong
    """
    try:
        return Settings()
    except ValidationError as error:
        names = ", ".join(sorted({_variable(str(one["loc"][0])) for one in error.errors()}))
        raise Misconfigured(f"set {names} in the environment, or run `assetmix up`, which sets everything") from None


def _variable(field: str) -> str:
    return field if field.isupper() else f"ASSETMIX_{field.upper()}"
