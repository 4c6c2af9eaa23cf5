"""Cell rules: decision lists that paint each cell of the output by copying from planes of the input."""

from dsl.search.cells.autoregressive import solve_autoregressive
from dsl.search.cells.completion import solve_completion
from dsl.search.cells.engine import CellConfig, solve_cells
from dsl.search.cells.shape import ShapeGuess, predict_shapes

__all__ = ["CellConfig", "ShapeGuess", "predict_shapes", "solve_autoregressive", "solve_cells", "solve_completion"]
