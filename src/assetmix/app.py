"""The API's application: routers, handlers, lifespan. It never solves and never loads a solver."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from assetmix import traces
from assetmix.api import health, metrics, openapi, problems
from assetmix.api.deps import MEGABYTE
from assetmix.api.dialects.ibm import routes as ibm
from assetmix.api.dialects.ibm import writing as ibm_writing
from assetmix.api.dialects.investsuite import routes as investsuite
from assetmix.api.dialects.investsuite.writing import errors as investsuite_writing
from assetmix.api.dialects.mantarisk import routes as mantarisk
from assetmix.api.dialects.native import routes as native
from assetmix.api.gate import QUIET, Gate, Patience
from assetmix.jobs.broker import make_celery
from assetmix.jobs.doorbell import Doorbell
from assetmix.optimization.memory import Memory
from assetmix.persistence.endings import Endings
from assetmix.persistence.session import Database
from assetmix.services.backlog import Backlog
from assetmix.services.context import House
from assetmix.settings import Settings
from assetmix.settings import settings as read_settings

TELEMETRY: TelemetryConfig = {
    "logs": False,
    "operation_spans": False,
    "exclude": lambda scope: scope.get("path") in QUIET,
}
"""FastAPI's own spans and figures of requests; they go nowhere unless OTEL_EXPORTER_OTLP_ENDPOINT is set."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """Wire the application; without settings they are read from the environment."""
    chosen = settings or read_settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_house(chosen) as app.state.house:
            gc.collect()
            gc.freeze()  # what is loaded stays; the collector need not look at it again and again
            yield

    app = FastAPI(
        title="assetmix",
        summary="Portfolio optimization over HTTP, verified and explained.",
        description="Clients must accept members and enumeration values that they do not know.",
        lifespan=lifespan,
        redirect_slashes=False,
        telemetry=TELEMETRY | {"auto_configure": traces.is_on()},
        docs_url=None,
        redoc_url=None,
    )
    app.state.meters = metrics.Meters()
    patience = Patience(chosen.most_data_mb * MEGABYTE, chosen.patience_seconds)
    app.add_middleware(Gate, patience=patience, meters=app.state.meters)
    writers = {"investsuite": investsuite_writing.write_error, "ibm": ibm_writing.write_error}
    problems.install(app, writers, partial(openapi.allowed_methods, app))
    for router in (health.router, metrics.router, native.router, mantarisk.router, investsuite.router, ibm.router):
        app.include_router(router)
    openapi.install(app)
    return app


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[House]:
    """Open what the requests of this process share, and close it at the end."""
    database = Database(settings.async_database_url, settings.pool_size, settings.database_seconds)
    bell = Doorbell(make_celery(settings.redis_url.get_secret_value()))
    bell.start()
    endings = Endings(settings.async_database_url)
    endings.start()
    url = settings.async_metrics_url
    observer = None if url is None else Database(url, 1, settings.database_seconds)
    yield House(database, bell, settings, Memory(settings.snapshot_memory), endings, Backlog(database), observer)
    await endings.close()
    await bell.close()
    await database.close()
    if observer is not None:
        await observer.close()
