"""Tolerances of tests, each with its reason."""

EXACT = 1e-9
"""Arithmetic in double precision on numbers of order one."""

TWIN = 1e-7
"""A cvxpy expression against its numpy twin: both are evaluated, neither is solved."""

SOLVED = 1e-6
"""Solvers run at 1e-9; objective values of two solvers or formulations agree to this."""

WEIGHTS = 1e-4
"""Weights of a unique optimum: the objective is flat there, so weights are known less well."""

KEPT = 1e-6
"""A limit counts as kept to a dollar in a million."""
