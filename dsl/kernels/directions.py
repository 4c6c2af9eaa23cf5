"""The eight directions, clockwise from up; every direction number in the language counts like this."""

import numpy as np

UP, UP_RIGHT, RIGHT, DOWN_RIGHT, DOWN, DOWN_LEFT, LEFT, UP_LEFT = range(8)

ROW_STEPS = np.array([-1, -1, 0, 1, 1, 1, 0, -1], dtype=np.int64)
COLUMN_STEPS = np.array([0, 1, 1, 1, 0, -1, -1, -1], dtype=np.int64)
