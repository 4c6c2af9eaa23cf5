"""Loops over cells, compiled by numba; compiled code is cached in the user's cache folder."""

from dsl.kernels.cache import use_cache_folder

use_cache_folder()

__all__ = ["warm_up"]


def warm_up() -> None:
    """Compile every kernel, or load it from the cache; call it once before workers start or anything is timed."""
    from dsl.kernels.warm import example_calls

    for kernel, arguments in example_calls():
        kernel(*arguments)
