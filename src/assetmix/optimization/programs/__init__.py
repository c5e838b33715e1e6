"""Compiled cvxpy problems that are solved again and again at the speed of the solver itself."""
