"""Solve a task with object programs: learn under every segmentation, vote, and write programs."""

from dsl.search.budget import Meter
from dsl.search.cells.answers import count_votes, verified_solutions
from dsl.search.objects.cases import vote_cases
from dsl.search.objects.learn import vote_rules
from dsl.search.objects.learn_crops import vote_crops
from dsl.search.solution import Solution
from dsl.task import Task

MAX_PREDICTIONS = 6


def solve_objects(task: Task, meter: Meter) -> list[Solution]:
    """Return object programs that give every demonstration's output, one per distinct prediction, best first.

    Tasks whose outputs have their inputs' shapes get actions on objects (engine ``objects``), the others crops of
    objects (``crops``); both may be answered with constant outputs chosen by the whole image. A solution's cost orders
    predictions by the weight of all programs that agree on them, not by the one shown.
    """
    same_shape = all(example.input.shape == example.output.shape for example in task.train)
    engine, vote = ("objects", vote_rules) if same_shape else ("crops", vote_crops)
    votes = [*vote_cases(task, meter), *vote(task, meter)]
    return verified_solutions(count_votes(votes), task, engine, MAX_PREDICTIONS)
