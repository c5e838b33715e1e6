"""The question, the solver, the answer; the only cvxpy in the house."""
