"""Solvers and executors that behave as a test wants."""

import os
import time
from pathlib import Path

import numpy as np

from ensemble.errors import ModelError
from ensemble.executors import Ended, Found, Started
from ensemble.types import Candidate, Provenance
from ensemble.worker import attempt

DIARY = "FAKE_SOLVER_DIARY"
"""Environment variable with a file that gets a line for every task that a fake solver begins."""


class FakeSolver:
    """Act on the first word of the task's id: ``ok``, ``slow``, ``raise``, ``hang``, ``die``, ``grow``, ``wrong``."""

    def __init__(self, name):
        self.name = name

    def solve(self, task, budget):
        if DIARY in os.environ:
            with Path(os.environ[DIARY]).open("a") as diary:
                diary.write(f"{self.name} {task.task_id}\n")
        where = Provenance(self.name, self.name)
        yield Candidate(task.task_id, 0, task.test_inputs[0], -1.0, where)
        getattr(self, "_" + task.task_id.partition("-")[0])(budget)
        yield Candidate(task.task_id, 0, task.train[0].output, -2.0, where)
        if task.task_id.startswith("wrong"):
            yield Candidate("another task", 0, task.test_inputs[0], -2.0, where)

    def _ok(self, budget):
        """Go on at once."""

    _wrong = _ok

    def _slow(self, budget):
        time.sleep(0.2)

    def _raise(self, budget):
        raise ArithmeticError("no luck")

    def _hang(self, budget):
        time.sleep(600)

    def _die(self, budget):
        os.abort()

    def _grow(self, budget):
        held = np.ones(400 * 2**20, np.uint8)
        time.sleep(60)
        held.sum()


def make_fake(name, config):
    return FakeSolver(name)


def make_refused(name, config):
    raise ModelError("there is no such model")


class InlineExecutor:
    """Run jobs in this process when polled, the last one given first."""

    def __init__(self, slots, factory=make_fake, config=None):
        self.slots, self.factory, self.config = slots, factory, config
        self.jobs = []
        self.is_closed = False

    def has_free_slot(self):
        return len(self.jobs) < self.slots

    def submit(self, job):
        self.jobs.append(job)

    def poll(self, seconds):
        if not self.jobs:
            return []
        job, found = self.jobs.pop(), []
        spent, error = attempt(job, self.factory(job.solver, self.config), found.append)
        return [
            Started(job.number, 0),
            *(Found(job.number, candidate) for candidate in found),
            Ended(job.number, spent, 2**20, error),
        ]

    def close(self):
        self.is_closed = True
