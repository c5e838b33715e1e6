"""A lower bound of a convex program's optimum from duals that need not be exact.

With y in the dual cones, x'Px/2 + q'x + d + y'(Rx - level) is nowhere above the objective inside
the limits. It is convex, so above its tangent at any point, and the tangent's least value over the
variables' bounds is a sum over variables. What the duals miss costs as much as it is, no more.

Sources: Boyd and Vandenberghe, Convex optimization (2004), section 5.1 (weak duality); Neumaier and
Shcherbina, Safe bounds in linear and mixed-integer linear programming, Mathematical Programming 99
(2004), section 3.
"""

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.programs.engine import Said
from assetmix.optimization.programs.pattern import Numbers, Pattern


def dual_bound(pattern: Pattern, numbers: Numbers, said: Said, reach: float) -> float | None:
    """Least value that the program can have; None where cones are not linear or of second order.

    Where nothing bounds a variable it holds for values of at most `reach` times the one at hand,
    or `reach` itself where that is below 1.
    """
    if pattern.cones.has_others or said.x.size == 0:
        return None
    y = _admitted(pattern, said.y)
    x = said.x
    curved, rows = pattern.filled(numbers)
    bent = curved @ x
    lower, upper = pattern.bounding.box(numbers.level, pattern.count)
    priced = np.bincount(pattern.columns, numbers.rows * y[rows.indices], minlength=pattern.count)  # y'R
    slope = bent + numbers.linear + priced
    far = reach * np.maximum(1.0, np.abs(x))
    lower, upper = np.where(np.isfinite(lower), lower, x - far), np.where(np.isfinite(upper), upper, x + far)
    least = np.minimum(slope * (lower - x), slope * (upper - x))
    height = 0.5 * float(x @ bent) + float(numbers.linear @ x) + numbers.offset
    return height + float(y @ (rows @ x - numbers.level)) + float(least.sum())


def value_at(pattern: Pattern, numbers: Numbers, x: Vector) -> tuple[float, float]:
    """Value of the objective at a point (n,), and by how much the point misses its linear rows at most."""
    curved, rows = pattern.filled(numbers)
    left = (numbers.level - rows @ x)[: pattern.cones.flat]
    left[pattern.cones.zero :] = np.minimum(left[pattern.cones.zero :], 0.0)
    value = 0.5 * float(x @ (curved @ x)) + float(numbers.linear @ x) + numbers.offset
    return value, float(np.abs(left).max(initial=0.0))


def _admitted(pattern: Pattern, duals: Vector) -> Vector:
    """The nearest duals of the dual cones; those of the variables' bounds are left to the bounds themselves."""
    cones, y = pattern.cones, duals.copy()
    y[cones.zero : cones.flat] = np.maximum(y[cones.zero : cones.flat], 0.0)
    y[pattern.bounding.rows] = 0.0
    start = cones.flat
    for size in cones.second_order:
        y[start] = max(y[start], float(np.linalg.norm(y[start + 1 : start + size])))
        start += size
    return y
