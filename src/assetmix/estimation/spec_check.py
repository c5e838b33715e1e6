"""What is wrong with a risk model or forecast as declared, whatever it is applied to."""

from collections.abc import Iterator, Mapping

from assetmix.errors import Fault, escape
from assetmix.estimation.specs import BlackLitterman, Equilibrium, ForecastSpec, NamedRisk, RiskSpec, View

MOST_VIEWS = 1000
MOST_WEIGHT = 1e6
MOST_RETURN = 1e6

RANGES: Mapping[str, tuple[float, float]] = {
    "window": (2, 100_000),
    "horizon_days": (1e-6, 36_500),
    "half_life": (0.1, 1e6),
    "factors": (1, 100_000),
    "risk_aversion": (1e-9, 1e9),
    "tau": (1e-9, 1e9),
    "variance": (1e-30, 1e12),
}
"""Smallest and largest figure allowed, by field; with shorter half-lives a single return is all that counts."""


def spec_faults(spec: RiskSpec | ForecastSpec | View) -> tuple[Fault, ...]:
    """Find every figure of a spec that is out of range.

    Returns
    -------
    faults whose pointers start at the spec, for example `/half_life` or `/views/0/weights`
    """
    return (*_name(spec), *_ranges(spec), *_weights(spec), *_views(spec))


def _name(spec: object) -> Iterator[Fault]:
    if isinstance(spec, NamedRisk) and not spec.name:
        yield Fault("/name", "missing", "name a risk model that was uploaded")


def _ranges(spec: object) -> Iterator[Fault]:
    for name, (low, high) in RANGES.items():
        figure = getattr(spec, name, None)
        if figure is not None and not low <= figure <= high:
            yield Fault(f"/{name}", "out-of-range", f"{name} lies between {low:g} and {high:g}")


def _weights(spec: object) -> Iterator[Fault]:
    if isinstance(spec, Equilibrium):
        yield from _bounded("/weights", spec.weights)
    if isinstance(spec, BlackLitterman):
        yield from _bounded("/prior_weights", spec.prior_weights)
    if isinstance(spec, View):
        yield from _bounded("/weights", spec.weights)
        if not any(spec.weights.values()):
            yield Fault("/weights", "missing", 'a view needs a weight other than 0, for example {"A": 1, "B": -1}')
        if not abs(spec.expected_return) <= MOST_RETURN:
            detail = f"expected_return lies between {-MOST_RETURN:g} and {MOST_RETURN:g}"
            yield Fault("/expected_return", "out-of-range", detail)


def _bounded(pointer: str, weights: Mapping[str, float]) -> Iterator[Fault]:
    for key, weight in weights.items():
        if not abs(weight) <= MOST_WEIGHT:
            yield Fault(
                f"{pointer}/{escape(key)}",
                "out-of-range",
                f"a weight lies between {-MOST_WEIGHT:g} and {MOST_WEIGHT:g}",
            )


def _views(spec: object) -> Iterator[Fault]:
    if not isinstance(spec, BlackLitterman):
        return
    if len(spec.views) > MOST_VIEWS:
        yield Fault("/views", "limit-exceeded", f"at most {MOST_VIEWS} views, not {len(spec.views)}")
    for i, view in enumerate(spec.views):
        for fault in spec_faults(view):
            yield Fault(f"/views/{i}{fault.pointer}", fault.code, fault.detail)
