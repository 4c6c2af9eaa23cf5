"""Description lengths shared by the engines, in bits."""

import math

import numpy as np

LOG2_FACTORIAL = np.array([math.lgamma(n + 1) / math.log(2) for n in range(60_000)])
"""``log2 n!`` for each n."""
