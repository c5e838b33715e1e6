"""Every tolerance of the core, each with its reason."""

RESIDUAL = 1e-6
"""Largest accepted breach of a limit, in fractions of value: a dollar in a million."""

GAP = 2e-5
"""Relative gap up to which a continuous answer is called optimal. Solvers run at 1e-9, but a bound
by tangents is of first order in the weights' error where the objective itself is of second."""

FINE = 1e-6
"""Relative gap beyond which a bound from a solver's duals is held against one from tangents: the rows that duals
miss may cost more than the tangents' slopes do."""

KINK = 1e-5
"""Part of a benchmark's risk below which an active risk counts as none: there the norm has no
direction, and a tangent through noise would prove nothing."""

INFEASIBLE = 1e-7
"""Least total relaxation that proves a conflict; phase-one optima are accurate to 1e-9."""

RELAXATION = 1e-3
"""Part of a relaxation to which a search by bisection is exact: a tenth of the one percent that people check."""

BINDING = 1e-6
"""A limit binds when it is met to this distance and its shadow price is not 0."""

RATIO = 1e-8
"""Part of its top by which a ratio may fall short of the best one when the search for it ends."""

LEVEL = 1e-7
"""Part of the best level by which the end of a frontier stays short of it: solvers stop there too."""

TANGENT = 1e-7
"""Relative distance from the touching point at which the best ratio to a deviation is found; the ratio
itself is then exact to the square of it."""

CONTRIBUTION = 1e-8
"""Distance of risk contributions from their budgets, as fractions of the risk."""

HELD = 1e-6
"""A weight beyond this fraction of value is a holding."""

SNAP = 1e-7
"""A weight this near to 0 or to the present one is there: solver noise, far below HELD."""

SMALLEST = 1e-5
"""Weight that a position must have to be counted where a number of holdings is asked for: well beyond HELD."""

BALANCE = 1e-10
"""Difference of cost model and true cost at which the balance counts as exact: far below a cent."""

DIGITS = 12
"""Decimals of a quantity of units: finer than any fractional step, coarser than rounding noise."""

TINY = 1e-300
"""Keeps a division by a length of 0 defined; nothing is measured against it."""

MONEY = 1e-12
"""Part of a portfolio's value that is rounding noise of double precision, not money."""
