"""Importing this module registers the program forms that the search engines print (see :func:`dsl.program.form`)."""

from dsl.search import assemble, cells, normalize, objects, views
from dsl.search.graph import pipe

__all__ = ["assemble", "cells", "normalize", "objects", "pipe", "views"]
