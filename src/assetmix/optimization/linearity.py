"""Which expressions a mixed-integer linear solver takes as they are."""

from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision


def keep_linear(decision: Decision, mark: int, expression: Expression) -> bool:
    """Whether an expression and the linking rows since a mark are piecewise linear; drops curved rows."""
    new = decision.linking[mark:]
    kept = [row for row in new if is_linear(getattr(row, "expr", None))]
    decision.linking[mark:] = kept
    return len(kept) == len(new) and is_linear(expression)


def is_linear(expression: Expression | None) -> bool:
    """Whether an expression is a number, affine or piecewise linear."""
    if expression is None or isinstance(expression, float | int):
        return expression is not None
    return bool(expression.is_affine() or expression.is_pwl())
