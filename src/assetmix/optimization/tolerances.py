"""Every tolerance of the core, each with its reason."""

RESIDUAL = 1e-6
"""Largest accepted breach of a limit, in fractions of value: a dollar in a million."""

GAP = 1e-6
"""Relative gap up to which a continuous answer is called optimal; solvers run at 1e-9."""

INFEASIBLE = 1e-7
"""Least total relaxation that proves a conflict; phase-one optima are accurate to 1e-9."""

BINDING = 1e-6
"""A limit binds when it is met to this distance and its shadow price is not 0."""

HELD = 1e-6
"""A weight beyond this fraction of value is a holding."""

BALANCE = 1e-10
"""Difference of cost model and true cost at which the balance counts as exact: far below a cent."""

DIGITS = 12
"""Decimals of a quantity of units: finer than any fractional step, coarser than rounding noise."""
