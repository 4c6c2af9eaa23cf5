"""Run every stored program of a run again, from its text, in this process, and compare with the stored grids.

    python -m benchmarks.check_programs runs/eval

Prints how many programs gave the same grid; exit code 1 if any did not.
"""

import argparse
import sys
from pathlib import Path

from dsl.errors import DslError
from dsl.grid import same_grid
from dsl.program import parse, run
from ensemble.store import open_run


def main() -> int:
    """Check a run folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    arguments = parser.parse_args()
    same, other = 0, []
    with open_run(arguments.run) as stored:
        for task in stored.dataset().tasks:
            for candidate in stored.candidates(task.task_id):
                text = candidate.provenance.program
                if text is None:
                    continue
                try:
                    equal = same_grid(run(parse(text), task.test_inputs[candidate.test_index]), candidate.grid)
                except DslError:
                    equal = False
                same += equal
                if not equal:
                    other.append(f"{task.task_id} {candidate.test_index}: {candidate.provenance.engine}")
    print(f"{same} programs gave their stored grid again, {len(other)} did not")
    for line in other[:20]:
        print(line)
    return 1 if other else 0


if __name__ == "__main__":
    sys.exit(main())
