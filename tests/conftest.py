"""Without compilation, the kernels' hashes wrap around in numpy integers: as wanted, and without a warning."""

import numba
import numpy as np

if numba.config.DISABLE_JIT:
    np.seterr(over="ignore")
