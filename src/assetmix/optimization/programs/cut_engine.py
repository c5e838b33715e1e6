"""HiGHS on a linear program that grows: rows and columns are added between solves, each from the last basis."""

import numpy as np
import scipy.sparse as sp

from assetmix.domain.arrays import Positions, Vector
from assetmix.optimization.programs.engine import Said
from assetmix.optimization.programs.linear_engine import LinearEngine
from assetmix.optimization.programs.pattern import Numbers, Pattern
from assetmix.optimization.solvers import Solver

NONE = np.zeros(0)
NOWHERE = np.zeros(0, dtype=np.int32)


class CutEngine(LinearEngine):
    """One HiGHS object: the compiled program first, then whatever is added to it."""

    def __init__(self, pattern: Pattern, solver: Solver) -> None:
        super().__init__(pattern, solver)
        self._living.setOptionValue("presolve", "off")  # it would throw the basis away

    def add_columns(self, lower: Vector, row: int | None = None, entries: Vector = NONE) -> Positions:
        """Add columns (k,) without costs above some bounds; with entries (k,) in one row. Gives their places."""
        count, first = len(lower), int(self._living.getNumCol())
        upper = np.full(count, np.inf)
        if row is None:
            self._living.addCols(count, np.zeros(count), lower, upper, 0, NOWHERE, NOWHERE, NONE)
        else:
            starts, rows = np.arange(count, dtype=np.int32), np.full(count, row, dtype=np.int32)
            self._living.addCols(count, np.zeros(count), lower, upper, count, starts, rows, entries)
        return first + np.arange(count)

    def add_rows(self, columns: Positions, entries: Vector, lower: float = 0.0) -> Positions:
        """Add rows with entries (k, m) in columns (k, m) that stay above a bound. Gives their places."""
        count, width = columns.shape
        first = int(self._living.getNumRow())
        starts = np.arange(count, dtype=np.int32) * width
        places, values = columns.astype(np.int32).ravel(), np.ascontiguousarray(entries).ravel()
        self._living.addRows(
            count, np.full(count, lower), np.full(count, np.inf), count * width, starts, places, values
        )
        return first + np.arange(count)

    def run(self, numbers: Numbers, seconds: float) -> Said:
        """Solve from the last basis; x covers the added columns too."""
        return self._ran(numbers, seconds)

    def bound(self, numbers: Numbers, reach: float) -> float:
        """Least value that the program with its additions can have, from its duals, which need not be exact.

        Where nothing bounds a variable it holds for values of at most `reach` times the one at hand,
        or `reach` itself where that is below 1. Source: as in `bound.dual_bound`.
        """
        model, solution = self._living.getLp(), self._living.getSolution()
        x, y = np.asarray(solution.col_value), np.asarray(solution.row_dual)
        matrix = model.a_matrix_
        entries = (np.asarray(matrix.value_), np.asarray(matrix.index_), np.asarray(matrix.start_))
        is_by_columns = matrix.format_ == self._module.MatrixFormat.kColwise
        rows = (sp.csc_matrix if is_by_columns else sp.csr_matrix)(entries, shape=(model.num_row_, model.num_col_))
        low, high = np.asarray(model.row_lower_), np.asarray(model.row_upper_)
        y = np.where(np.isneginf(low), np.minimum(y, 0.0), np.where(np.isposinf(high), np.maximum(y, 0.0), y))
        level = np.where(y > 0, low, high)
        slope = np.asarray(model.col_cost_) - rows.T @ y
        far = reach * np.maximum(1.0, np.abs(x))
        lower, upper = np.asarray(model.col_lower_), np.asarray(model.col_upper_)
        lower, upper = np.where(np.isfinite(lower), lower, x - far), np.where(np.isfinite(upper), upper, x + far)
        least = np.minimum(slope * lower, slope * upper).sum()
        return float(y[y != 0] @ level[y != 0] + least + numbers.offset)
