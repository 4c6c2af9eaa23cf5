"""Cell rules: decision lists that paint each cell of the output by copying from planes of the input."""

from dsl.search.cells.images import ExtraImage
from dsl.search.cells.shape import ShapeGuess, predict_shapes
from dsl.search.cells.solve import CellConfig, solve_cells, warm_up

__all__ = ["CellConfig", "ExtraImage", "ShapeGuess", "predict_shapes", "solve_cells", "warm_up"]
