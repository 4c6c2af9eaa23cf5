"""Numbers of the operations on pictures, and the arguments that each takes.

The order groups operations by the module that holds them; ``pictures.apply_picture`` relies on it.
"""

# Colors, in ``pictures``.
KEEP = 0
DROP = 1
PAINT = 2
INVERT = 3
PAINT_MAIN = 4
KEEP_RANK = 5
DROP_RANK = 6
SWAP = 7
HULL = 8
BLANK = 9
ADD_FRAME = 10
PALETTE = 11
STRIPES = 12

# Places and shapes, in ``pictures_geometry``.
DIHEDRAL = 13
HALF = 14
CROP = 15
SQUEEZE_BLANK = 16
SQUEEZE_EQUAL = 17
TO_ORIGIN = 18
TRIM = 19
CENTER = 20
MOVE = 21
MOVE_OWN = 22
UPSCALE = 23
DOWNSCALE = 24
DOUBLE = 25
SYMMETRIZE = 26
ROLL = 27
FRACTAL = 28
SLANT = 29

# Lines, in ``pictures_lines``.
LINES = 30
SORT = 31
GRAVITY = 32
SMEAR = 33
CONNECT = 34
PERIOD = 35
FALL = 36

# Regions and neighbors, in ``pictures_regions``.
FILL_HOLES = 37
INTERIOR = 38
BORDER_CELLS = 39
INNER_CELLS = 40
OUTLINE = 41
GROW = 42
SPREAD = 43
DROP_SMALL = 44
COUNT = 45
AT_SIDE = 46
FILL_BOXES = 47

# Parts found again, in ``pictures_stamps``.
STAMP = 48
RECTANGLES = 49

# Results of a given size, in ``pictures_sized``.
FIT = 50
RESIZE = 51
TILE = 52
MIRROR_TILE = 53
REFLOW = 54
CENTERED = 55

ARGUMENTS = {
    "KEEP": range(1, 10),
    "DROP": range(1, 10),
    "PAINT": range(1, 10),
    "INVERT": range(1),
    "PAINT_MAIN": range(1),
    "KEEP_RANK": range(3),
    "DROP_RANK": range(3),
    "SWAP": range(1),
    "HULL": range(1),
    "BLANK": range(1),
    "ADD_FRAME": range(3),
    "PALETTE": range(5),
    "STRIPES": range(4),
    "DIHEDRAL": range(1, 8),
    "HALF": range(4),
    "CROP": range(1),
    "SQUEEZE_BLANK": range(1),
    "SQUEEZE_EQUAL": range(1),
    "TO_ORIGIN": range(1),
    "TRIM": range(1),
    "CENTER": range(1),
    "MOVE": range(8),
    "MOVE_OWN": range(8),
    "UPSCALE": range(2, 4),
    "DOWNSCALE": range(2, 6),
    "DOUBLE": range(7),
    "SYMMETRIZE": range(8),
    "ROLL": range(4),
    "FRACTAL": range(2),
    "SLANT": range(2),
    "LINES": range(4),
    "SORT": range(4),
    "GRAVITY": range(4),
    "SMEAR": range(15),
    "CONNECT": range(4),
    "PERIOD": range(5),
    "FALL": range(4),
    "FILL_HOLES": range(2),
    "INTERIOR": range(2),
    "BORDER_CELLS": range(2),
    "INNER_CELLS": range(1),
    "OUTLINE": range(2),
    "GROW": range(2),
    "SPREAD": range(2),
    "DROP_SMALL": range(4),
    "COUNT": range(16),
    "AT_SIDE": range(2),
    "FILL_BOXES": range(2),
    "STAMP": range(4),
    "RECTANGLES": range(3),
    "FIT": range(2),
    "RESIZE": range(2),
    "TILE": range(8),
    "MIRROR_TILE": range(4),
    "REFLOW": range(2),
    "CENTERED": range(2),
}
"""Name of each operation: the arguments it takes, in the order of their numbers; ``range(1)`` where it needs none."""
