"""``python -m ensemble`` is ``arc-ensemble``."""

import sys

from ensemble.cli import main

if __name__ == "__main__":
    sys.exit(main())
