"""Program search: parts that can each be replaced.

Importing this package registers the program forms that the engines print (see :func:`dsl.program.form`).
"""

from dsl.search import assemble, cells, normalize, objects

__all__ = ["assemble", "cells", "normalize", "objects"]
