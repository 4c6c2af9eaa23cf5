"""Description lengths shared by the engines, in bits."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

_LOG2_FACTORIAL = np.array([math.lgamma(n + 1) / math.log(2) for n in range(60_000)])


def log2_factorial(counts: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return ``log2 n!`` for each ``n``, 0 or more; looked up where the cells of some sixty large grids bound it."""
    try:
        return _LOG2_FACTORIAL[counts]
    except IndexError:
        bits: NDArray[np.float64] = gammaln(counts + 1.0) / math.log(2)
        return bits
