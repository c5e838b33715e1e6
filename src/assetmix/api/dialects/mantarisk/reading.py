"""Wire to domain."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from assetmix.api.dialects.mantarisk.catalogue import (
    CONSTRAINTS,
    ESTIMATED,
    RULES,
    TIMEFRAMES,
    PortfolioRule,
    Tactical,
    is_constrained,
    needs_of,
    parameters_of,
)
from assetmix.api.dialects.mantarisk.schemas import (
    STRATEGY,
    BacktestBody,
    HistoryBody,
    MemberBody,
    PortfolioBody,
    RuleBody,
    StrategyBody,
)
from assetmix.codec.documents import STRATEGY as CORE
from assetmix.domain.instrument import Instrument, cash_key
from assetmix.domain.portfolio import Portfolio
from assetmix.errors import Fault, InvalidRequest, escape
from assetmix.marketdata.rows import PriceRow
from assetmix.optimization.check import check_strategy, refuse
from assetmix.services.optimizations import Request
from assetmix.services.strategies import Named

JSON = dict[str, Any]
PERCENT = 100.0
FULL, NEAR = 1.0, 1e-6

DEFAULT = StrategyBody(name="Default", rules=[RuleBody(rule_id=5)])
"""The strategy that is there from the start: Min Risk over what the portfolio holds."""


def read_strategy(body: StrategyBody) -> Named:
    """A strategy of the core, with the document that it was read from.

    Raises
    ------
    InvalidRequest
        with every fault, in terms of the document
    """
    refuse(list(_catalogue_faults(body)))
    try:
        strategy = CORE.read_given(_core(body))
        faults = check_strategy(strategy)
    except InvalidRequest as error:
        faults = list(error.faults)
    places = _places(body)
    refuse([pointed(one, places) for one in faults])
    return Named(body.name, strategy, dict(STRATEGY.write(body)))


def pointed(fault: Fault, places: dict[str, str], prefix: str = "") -> Fault:
    """A fault of the core's document in terms of the dialect's: `places` are pointers of the one by the other."""
    inside = fault.pointer.removeprefix(prefix)
    for core, own in places.items():
        if inside == core or inside.startswith(f"{core}/"):
            return replace(fault, pointer=f"{prefix}{own}{inside.removeprefix(core)}")
    return fault


def places_of(details: JSON) -> dict[str, str]:
    """Pointers into a stored document by those into the core's."""
    return _places(STRATEGY.read_given(details))


def _places(body: StrategyBody) -> dict[str, str]:
    chosen = _chosen(body)
    signals = [i for i, one in enumerate(body.rules) if isinstance(RULES.get(one.rule_id), Tactical)]
    found = {f"/overlays/{place}": f"/rules/{i}/parameters" for place, i in enumerate(signals)}
    found |= {f"/constraints/{i}": f"/constraints/{i}/parameters" for i in range(len(body.constraints))}
    own = f"/rules/{chosen or 0}/parameters"
    rest = {"/risk_model/window": "/sessions", "/forecast/window": "/sessions", "/universe/ids": "/instruments"}
    named = {"/trading/size_band": "/size_rebalance_trigger", "/trading/cost_fraction": "/transaction_cost"}
    return {**found, **rest, **named, "/objective/terms/0/measure": own, "/objective": own, "/universe": "/instruments"}


def _chosen(body: StrategyBody) -> int | None:
    """Place of the portfolio rule."""
    places = (i for i, one in enumerate(body.rules) if isinstance(RULES.get(one.rule_id), PortfolioRule))
    return next(places, None)


def _catalogue_faults(body: StrategyBody) -> Iterator[Fault]:
    for i, one in enumerate(body.rules):
        known = RULES.get(one.rule_id)
        if known is None:
            yield Fault(f"/rules/{i}/rule_id", "unknown-rule", "no such rule; GET /reference/rules lists them")
        else:
            yield from _unknown(f"/rules/{i}/parameters", one.parameters, parameters_of(known))
            yield from _extra_faults(f"/rules/{i}/parameters", one.parameters, known)
    for i, limit in enumerate(body.constraints):
        if limit.constraint_id not in CONSTRAINTS:
            detail = "no such constraint; GET /reference/constraints lists them"
            yield Fault(f"/constraints/{i}/constraint_id", "unknown-constraint", detail)
    yield from _rule_faults(body)


def _unknown(pointer: str, given: JSON, known: list[JSON]) -> Iterator[Fault]:
    names = [one["name"] for one in known]
    for name in given:
        if name not in names:
            detail = f"this rule has no such parameter; it has {', '.join(names) or 'none'}"
            yield Fault(f"{pointer}/{escape(name)}", "unknown_field", detail)


def _extra_faults(pointer: str, given: JSON, known: PortfolioRule | Tactical) -> Iterator[Fault]:
    if isinstance(known, Tactical) or known.extra is None or known.extra.name not in given:
        return
    (low, high), value = known.extra.bounds, given[known.extra.name]
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        detail = f"{known.extra.name} is a number between {low:g} and {high:g}"
        yield Fault(f"{pointer}/{known.extra.name}", "out-of-range", detail)


def _rule_faults(body: StrategyBody) -> Iterator[Fault]:
    portfolio = [i for i, one in enumerate(body.rules) if isinstance(RULES.get(one.rule_id), PortfolioRule)]
    if not portfolio:
        yield Fault("/rules", "missing", "a strategy needs one portfolio rule; GET /reference/rules lists them")
    for i in portfolio[1:]:
        yield Fault(f"/rules/{i}", "duplicate", "a strategy has one portfolio rule; leave the others out")
    if body.include_stop_limit:
        detail = "stops and limits are not live yet (GET /reference/rules: alpha); leave it out"
        yield Fault("/include_stop_limit", "not-live", detail)
    chosen = RULES.get(body.rules[portfolio[0]].rule_id) if portfolio else None
    if isinstance(chosen, PortfolioRule) and body.constraints and not is_constrained(chosen):
        detail = f"{chosen.name} knows no constraints; use a constrained rule, or leave them out"
        yield Fault("/constraints", "unsupported-rule", detail)


def _core(body: StrategyBody) -> JSON:
    """The document of the core; what is wrong with it is said by the core."""
    estimated = {"window": body.sessions, "frequency": TIMEFRAMES[body.timeframeid]}
    trading = {
        "size_band": body.size_rebalance_trigger / PERCENT,
        "cost_fraction": body.transaction_cost / PERCENT,
        "lots": body.whole_units,
    }
    document: JSON = {
        "objective": _objective(body.rules[_chosen(body) or 0]),
        "overlays": [_overlay(one) for one in body.rules if isinstance(RULES[one.rule_id], Tactical)],
        "constraints": [{"kind": CONSTRAINTS[one.constraint_id], **one.parameters} for one in body.constraints],
        "shorting": body.allow_short,
        "trading": trading,
    }
    wanted, limited = _needs(body), any(one.constraint_id in ESTIMATED for one in body.constraints)
    if limited or wanted & {"risk model", "scenarios", "expected returns"}:
        document["risk_model"] = {"kind": "sample", **estimated}
    if limited or "expected returns" in wanted:
        document["forecast"] = {"kind": "historical_mean", **estimated}
    return document | ({} if body.instruments is None else {"universe": {"ids": body.instruments}})


def _needs(body: StrategyBody) -> frozenset[str]:
    chosen = RULES[body.rules[_chosen(body) or 0].rule_id]
    return needs_of(chosen) if isinstance(chosen, PortfolioRule) else frozenset()


def _overlay(one: RuleBody) -> JSON:
    known = RULES[one.rule_id]
    return {"kind": known.overlay, **one.parameters} if isinstance(known, Tactical) else {}


def _objective(one: RuleBody) -> JSON:
    known = RULES[one.rule_id]
    if not isinstance(known, PortfolioRule):
        return {}
    given = known.defaults | one.parameters
    if isinstance(given.get("benchmark"), str):
        given["benchmark"] = {given["benchmark"]: 1.0}
    if known.rule is not None:
        return {"rule": known.rule, **given}
    weight = given.pop(known.extra.name, known.extra.default) if known.extra is not None else 0.0
    first, *others = known.measures
    terms: list[JSON] = [{"measure": {"kind": first, **given}}]
    terms += [{"measure": {"kind": kind}, "weight": known.sign * weight} for kind in others if weight]
    return {"sense": known.sense, "terms": terms}


def read_portfolio(body: PortfolioBody, known: Portfolio | None) -> Portfolio:
    """A portfolio; its index and strategy stay what they are.

    Raises
    ------
    InvalidRequest
        when a component is named twice
    """
    codes = [one.instrument_code for one in body.components]
    refuse(
        [
            Fault(f"/components/{i}/instrument_code", "duplicate", "this component is named already; name each once")
            for i, code in enumerate(codes)
            if code in codes[:i]
        ]
    )
    held = {one.instrument_code: one.quantity for one in body.components}
    return Portfolio(
        base_currency=body.currency,
        holdings={cash_key(body.currency): body.cash, **held},
        strategy=None if known is None else known.strategy,
        benchmark={} if known is None else known.benchmark,
        quantity_type="UNITS",
    )


def read_history(body: HistoryBody) -> tuple[Instrument, list[PriceRow]]:
    """An instrument and its prices."""
    given = body.instrument
    instrument = Instrument(
        id=given.instrument_code,
        currency=given.currency,
        name=given.name,
        kind=given.asset_class,
        fractional_step=given.fractional_step,
    )
    code = given.instrument_code
    return instrument, [
        (code, one.date, one.close, None, one.open, one.high, one.low, one.volume) for one in body.history
    ]


def read_index(members: list[MemberBody]) -> dict[str, float]:
    """Weights of a composite benchmark.

    Raises
    ------
    InvalidRequest
        when the ratios do not make up the whole, or a member is named twice
    """
    codes = [one.instrument_code for one in members]
    faults = [
        Fault(f"/{i}/instrument_code", "duplicate", "this member is named already; name each once")
        for i, code in enumerate(codes)
        if code in codes[:i]
    ]
    total = sum(one.ratio for one in members)
    if abs(total - FULL) > NEAR:
        faults.append(Fault("", "inconsistent-ratios", f"the ratios sum to {total:g}, not to 1"))
    refuse(faults)
    return {one.instrument_code: one.ratio for one in members}


def read_backtest(body: BacktestBody) -> Request:
    """A request to walk a strategy through past sessions."""
    return Request(
        portfolio=body.client_reference,
        strategy=body.strategy_id,
        as_of=body.end,
        time_limit_seconds=BACKTEST_SECONDS,
        kind="backtest",
        backtest=body.spec(),
    )


BACKTEST_SECONDS = 900.0
