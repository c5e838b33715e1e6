"""`GET /metrics` for Prometheus: this process's requests, and the service's runs as the database has them."""

import hmac
import ipaddress
from collections import defaultdict
from collections.abc import Iterator

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0, generate_latest
from pydantic import SecretStr
from starlette.responses import PlainTextResponse, Response

from assetmix.api.deps import InHouse
from assetmix.api.problems import Problem
from assetmix.errors import Unavailable
from assetmix.persistence.tallies import BOUNDS
from assetmix.services.metrics import Figures, figures

router = APIRouter(tags=["service"])

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Meters:
    """What one API process measures itself."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            "http_server_request_duration_seconds",
            "Seconds from a request's headers to the end of its response",
            ("route", "method", "status"),
            registry=self.registry,
            buckets=SECONDS,
        )
        self._refused = Counter(
            "rate_limited", "Requests refused because of a quota", ("policy",), registry=self.registry
        )

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Note a response."""
        self._seconds.labels(route, method, str(status)).observe(seconds)

    def refused(self, policy: str) -> None:
        """Note a request that was over a quota."""
        self._refused.labels(policy).inc()


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=PlainTextResponse,
    responses={401: {"description": "Not with this token"}, 403: {"description": "Not from here"}},
)
async def metrics(request: Request, inside: InHouse) -> Response:
    """Give the figures to whoever has the token (ASSETMIX_METRICS_TOKEN), or without one to this machine."""
    _require_insider(request, inside.settings.metrics_token)
    meters: Meters = request.app.state.meters
    text = generate_latest(meters.registry)
    if inside.observer is not None:
        try:
            text += generate_latest(_Known(await figures(inside.observer)))
        except Unavailable:
            text += b"# the database is away: its figures are missing\n"
    return Response(text, media_type=CONTENT_TYPE_PLAIN_1_0_0)


def _require_insider(request: Request, token: SecretStr | None) -> None:
    if token is None:
        host = request.client.host if request.client else ""
        if not _is_loopback(host):
            raise Problem(403, "insufficient-scope", "set ASSETMIX_METRICS_TOKEN and send it as a bearer token")
        return
    given = request.headers.get("authorization", "").partition(" ")[2].encode()
    if not hmac.compare_digest(given, token.get_secret_value().encode()):
        raise Problem(401, "unauthenticated", "send the metrics token: Authorization: Bearer …")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Known:
    """Figures in the form of a registry."""

    def __init__(self, known: Figures) -> None:
        self._known = known

    def collect(self) -> Iterator[Metric]:
        """Give every family."""
        yield from _gauges(self._known)
        yield from _counters(self._known.counts)
        yield _histogram(self._known.counts, "queue_wait", "optimization_queue_wait_seconds", ())
        yield _histogram(self._known.counts, "solve", "optimization_solve_seconds", ("solver", "outcome"))


def _gauges(known: Figures) -> Iterator[Metric]:
    state = GaugeMetricFamily("optimizations_in_state", "Runs that have not ended", labels=["state"])
    state.add_metric(["queued"], known.now.queued)
    state.add_metric(["running"], known.now.running)
    yield state
    yield GaugeMetricFamily(
        "optimization_queue_oldest_age_seconds",
        "Seconds that the oldest queued run has waited: alert on this, not on the length of the queue",
        value=known.now.oldest_seconds,
    )
    yield GaugeMetricFamily("outbox_pending", "Queued runs whose bell is due", value=known.now.due)
    yield GaugeMetricFamily(
        "outbox_oldest_age_seconds", "Seconds that the longest due bell is due", value=known.now.due_seconds
    )
    yield GaugeMetricFamily("worker_processes", "Worker processes that were heard of", value=known.now.processes)


COUNTERS = {
    "ended": ("optimizations", "Runs that have ended", ("outcome", "reason")),
    "attempts": ("optimization_attempts", "Claims of runs by workers", ()),
    "leases_expired": ("optimization_leases_expired", "Runs taken back from lost workers", ()),
    "discarded": ("optimization_stale_results_discarded", "Answers of attempts that no longer owned their run", ()),
}


def _counters(counts: dict[tuple[str, str], float]) -> Iterator[Metric]:
    for name, (family, text, labels) in COUNTERS.items():
        metric = CounterMetricFamily(family, text, labels=list(labels))
        found = sorted((label, value) for (counted, label), value in counts.items() if counted == name)
        for label, value in found if labels else found or [("", 0.0)]:
            metric.add_metric(label.split(";") if labels else [], value)
        yield metric


def _histogram(counts: dict[tuple[str, str], float], name: str, family: str, labels: tuple[str, ...]) -> Metric:
    metric = HistogramMetricFamily(family, "Seconds, since the tables were made", labels=list(labels))
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for (counted, label), value in counts.items():
        if counted == f"{name}_bucket":
            kept, _, bound = label.rpartition(";")
            found[kept][bound] = value
    for label, buckets in sorted(found.items()):
        total, upto = 0.0, []
        for bound in (*map(str, BOUNDS), "+Inf"):
            total += buckets.get(bound, 0.0)
            upto.append((bound, total))
        metric.add_metric(label.split(";") if labels else [], upto, counts.get((f"{name}_sum", label), 0.0))
    return metric
