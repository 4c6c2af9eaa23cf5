"""Loops over cells, compiled by numba; compiled code is cached in the user's cache folder."""

from dsl.kernels.cache import use_cache_folder

use_cache_folder()
