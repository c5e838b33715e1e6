"""Puts an answer together: figures before and after, breaches, look-through, orders."""

from assetmix.domain.arrays import Vector
from assetmix.domain.instrument import cash_key
from assetmix.domain.lookthrough import Exposure
from assetmix.domain.risk import Compression
from assetmix.optimization.constraint import Outcome
from assetmix.optimization.frame import FULLY_INVESTED
from assetmix.optimization.measure import ALWAYS, measure
from assetmix.optimization.orders import Plan
from assetmix.optimization.problem import Problem
from assetmix.optimization.recommendation import Recommendation, Standing, recommend
from assetmix.optimization.result import Breaches, Exposures, Figures, ForecastUsed, Result, Rounded
from assetmix.optimization.solution import NoSolution, Solution
from assetmix.optimization.strategy import Objective
from assetmix.optimization.tolerances import RESIDUAL
from assetmix.optimization.verify import current_violations, objective_value, violations


def report_solution(problem: Problem, solution: Solution, plan: Plan, currency: str) -> Result:
    """Describe a solution and the orders that lead to it."""
    after = plan.quantities * problem.prices / problem.value
    outcome = Outcome(after, plan.cash / problem.value)
    breaches, before = violations(problem, outcome, RESIDUAL), current_violations(problem, RESIDUAL)
    values = (_objective(problem, problem.current_weights), _objective(problem, after))
    if outcome.cash >= 0 and FULLY_INVESTED in problem.constraints:
        breaches.pop("holdings.cash", None)
    return Result(
        status=solution.status,
        sentence=_sentence(plan),
        sense=problem.objective.sense,
        current_objective_value=values[0],
        objective_value=solution.objective_value,
        proven_gap=solution.proven_gap,
        weights=problem.universe.mapping(solution.weights),
        holdings=holdings(problem, plan.quantities, plan.cash, currency),
        current_holdings=holdings(problem, problem.quantities, problem.cash, currency),
        prices=problem.universe.mapping(problem.prices),
        value=problem.value,
        forecast=_forecast(problem),
        rounded=_rounded(problem, plan, values[1]),
        measures=Figures(
            current=measured(problem, problem.current_weights), optimal=measured(problem, solution.weights)
        ),
        look_through=Exposures(current=exposure(problem, problem.current_weights), optimal=exposure(problem, after)),
        violations=Breaches(current=before, optimal=breaches),
        binding=solution.binding,
        orders=plan.orders,
        skipped=plan.skipped,
        solver=solution.solver,
        verified=solution.verified,
        recommendation=_recommended(problem, plan, values, before),
        overlays=problem.effects,
        compression=_compression(problem),
    )


def report_no_solution(problem: Problem, outcome: NoSolution, currency: str) -> Result:
    """Describe why there is no solution, beside where the portfolio stands."""
    return Result(
        status=outcome.status,
        sentence=outcome.sentence,
        sense=problem.objective.sense,
        current_objective_value=_objective(problem, problem.current_weights),
        current_holdings=holdings(problem, problem.quantities, problem.cash, currency),
        prices=problem.universe.mapping(problem.prices),
        value=problem.value,
        forecast=_forecast(problem),
        measures=Figures(current=measured(problem, problem.current_weights)),
        look_through=Exposures(current=exposure(problem, problem.current_weights)),
        violations=Breaches(current=current_violations(problem, RESIDUAL)),
        conflict=outcome.conflict,
        conflict_is_minimal=outcome.conflict_is_minimal if outcome.conflict else None,
        joint=outcome.joint,
        overlays=problem.effects,
        compression=_compression(problem),
    )


def _compression(problem: Problem) -> Compression | None:
    return None if problem.risk is None else problem.risk.compression


def _recommended(
    problem: Problem, plan: Plan, values: tuple[float | None, float | None], breaches: dict[str, float]
) -> Recommendation:
    """By the objective's values now and after the orders, and by what is breached now."""
    sign = problem.objective.sign if isinstance(problem.objective, Objective) else 1.0
    before, later = values
    standing = Standing(
        breaches=breaches,
        before=None if before is None else sign * before,
        after=None if later is None else sign * later,
        orders=len(plan.orders),
    )
    return recommend(problem, standing)


def holdings(problem: Problem, quantities: Vector, cash: float, currency: str) -> dict[str, float]:
    """Quantities that are not 0 by id, and the cash with what is set aside."""
    held = {key: units for key, units in problem.universe.mapping(quantities).items() if units != 0}
    return held | {cash_key(currency): cash + problem.set_aside}


def measured(problem: Problem, weights: Vector) -> dict[str, float]:
    """Every measure the strategy names and those that are always there, as far as the data go."""
    named = {one.key: one for _, one in problem.strategy.named_measures()}
    always = {kind: measure.plain(kind) for kind in ALWAYS if _possible(problem, kind)}
    figures = {key: float(one.value(problem, weights)) for key, one in (always | named).items()}
    for one in named.values():
        figures |= one.companions(problem, weights)
    return figures


def exposure(problem: Problem, weights: Vector) -> Exposure:
    """Look-through of invested weights."""
    return problem.classification.exposure(weights)


def _possible(problem: Problem, kind: str) -> bool:
    if kind == "expected_return":
        return _has_forecast(problem)
    return problem.risk is not None


def _has_forecast(problem: Problem) -> bool:
    return problem.forecast is not None or (problem.risk is not None and problem.risk.mean is not None)


def _forecast(problem: Problem) -> ForecastUsed | None:
    if not _has_forecast(problem):
        return None
    return ForecastUsed(expected_returns=problem.universe.mapping(problem.expected_returns()))


def _objective(problem: Problem, weights: Vector) -> float | None:
    """Value of the declared objective; a rule has none."""
    return float(objective_value(problem, weights)) if problem.objective.terms else None


def _rounded(problem: Problem, plan: Plan, value: float | None) -> Rounded:
    amounts = [order.quantity * order.price for order in plan.orders]
    return Rounded(
        objective_value=value,
        cash=plan.cash + problem.set_aside,
        cost=sum(order.cost for order in plan.orders),
        turnover=sum(amounts) / problem.value,
    )


def _sentence(plan: Plan) -> str:
    if not plan.orders:
        return "The portfolio is already as good as whole orders can make it; there is nothing to trade."
    sells = sum(order.side == "sell" for order in plan.orders)
    return f"{len(plan.orders)} orders lead to the best portfolio: {sells} to sell, {len(plan.orders) - sells} to buy."
