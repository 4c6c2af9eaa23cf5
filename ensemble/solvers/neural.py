"""Neural solver: adapt the model to the task, read its outputs through many views, turn them back, score them.

Augment, infer, reverse, vote (Akyürek et al. 2024, section 4) up to the vote, which is the merge's: every view gives
one candidate. Each candidate's score is its mean log-likelihood over the same views for all (a product of experts,
Franzen et al. 2025, arXiv 2505.07859), so candidates of different views compare. What earlier solvers propose is scored
likewise: the network judges many grids that it would not find.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dsl.grid import MAX_SIDE, Grid, grid_from_text, grid_key, seal
from dsl.task import Example, Task
from ensemble.augment import IDENTITY, View, views_for
from ensemble.config import NeuralConfig
from ensemble.encode import EncodedSequence
from ensemble.formats import format_of
from ensemble.types import Budget, Candidate, Drafts, Provenance

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from ensemble.adaptation.engine import MakeTasks
    from ensemble.decode import Decoded
    from ensemble.inference import Views


INFERENCE_SHARE = 0.5
"""Share of the time that inference may take; above it, fewer views are decoded."""
MIN_TOKENS = 128
"""Shortest context to try where memory does not hold a longer one."""
DRAFTS_SHARE = 0.1
"""Most of the time that is kept back for judging drafts; there are many, and most differ little."""
_BRANCHES = 1.2
"""Time of a search for all likely outputs, in that of the likeliest alone: few views have more than one, and a search
that falls behind goes on with the likeliest."""
_SAFETY = 1.3
"""Inference is planned this much longer than measured: other work on the machine varies."""
_STEPS = 4
"""Tokens decoded to measure a step."""
_QUICK_SECONDS = 1.0
"""A prompt that takes longer is measured once."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the time of a task is spent.

    Attributes:
        views: the views to decode and score.
        max_new_tokens: longest output.
        shapes: height and width of the output of each test input, where they are known and it is bound to them.
        expected_tokens: of the output of each test input: those of its shape where that is known, else as many as
            any grid shown has.
        inference_seconds: what is kept back for inference; 0 when steps bound the work.
        drafts_seconds: part of it for judging drafts, which is not needed where training ends before it may judge.
    """

    views: tuple[View, ...]
    max_new_tokens: int
    shapes: tuple[tuple[int, int] | None, ...]
    expected_tokens: tuple[int, ...]
    inference_seconds: float
    drafts_seconds: float


class NeuralSolver:
    """Propose outputs of an adapted language model."""

    name = "neural"

    def __init__(self, config: NeuralConfig | None = None, num_threads: int | None = None) -> None:
        """Keep the configuration; the model is loaded at the first task.

        Args:
            config: model, adaptation and inference.
            num_threads: threads of torch on the CPU for the whole process; None leaves them as they are.
        """
        self.config = config or NeuralConfig()
        self.num_threads = num_threads
        self._model: PreTrainedModel | None = None
        self._max_tokens = self.config.max_tokens

    def solve(self, task: Task, budget: Budget) -> list[Candidate]:
        """Return one candidate for each test input and view, best score first for each test input."""
        return self.solve_after(task, budget, ())

    def solve_after(self, task: Task, budget: Budget, drafts: Drafts) -> list[Candidate]:
        """Return what ``solve`` does and, without draws, the drafts that no view gave.

        Where memory does not hold a single view, demonstrations are left out; what raises when none is left is the
        task's failure.
        """
        from ensemble.memory import is_out_of_memory, release_memory

        deadline = None if budget.steps is not None else time.monotonic() + budget.seconds
        self._max_tokens = self.config.max_tokens
        while True:
            try:
                return self._solve(task, budget, drafts, deadline)
            except RuntimeError as error:
                if not is_out_of_memory(error) or self._max_tokens <= MIN_TOKENS:
                    raise
            self._max_tokens = max(MIN_TOKENS, self._max_tokens // 2)
            release_memory()

    def _solve(self, task: Task, budget: Budget, drafts: Drafts, deadline: float | None) -> list[Candidate]:
        from ensemble.ttt import Bound, adapted

        model = self.load()
        plan = self.plan(model, task, budget.seed, deadline, max(map(len, drafts), default=0))
        if deadline is None:
            bound = Bound(budget.steps or 0)
        else:
            bound = Bound(
                self.config.adaptation.max_steps,
                deadline - plan.inference_seconds,
                spare_seconds=plan.drafts_seconds,
                spare_below=self.config.inference.judge_from_steps,
            )
        candidates: list[Candidate] = []
        adaptation = self.config.adaptation
        with adapted(
            model,
            task.train,
            adaptation,
            max_tokens=self._max_tokens,
            seed=budget.seed,
            bound=bound,
            auxiliary=self.auxiliary(model, task),
        ) as report:
            for test_index in range(len(task.test_inputs)):
                given = drafts[test_index] if drafts and report.steps >= self.config.inference.judge_from_steps else ()
                candidates += self.propose(
                    model, task, test_index, plan, deadline, given, steps=report.steps, seed=budget.seed
                )
        return candidates

    def load(self) -> "PreTrainedModel":
        """Return the model, loaded once; raises ``ModelError``."""
        if self._model is None:
            import torch

            from ensemble.memory import keep_freed_memory
            from ensemble.model import load_model, resolve_device

            if self.num_threads is not None:  # the process is a worker's
                torch.set_num_threads(self.num_threads)
                keep_freed_memory()
            device = resolve_device(self.config.device)
            self._model = load_model(self.config.model, device, task_format=self.config.format)
        return self._model

    def warm_up(self) -> None:
        """Load the model, and where it runs compiled kernels call them all, so that they take of no task's time."""
        from ensemble.processor.stacked import can_write_out

        model = self.load()
        if can_write_out(model):
            pairs = tuple(Example(grid, grid) for grid in map(grid_from_text, ("12", "3/4")))
            task = Task("warm-up", pairs, (pairs[0].input,))
            _Speed(model, self.prompt(task, 0, IDENTITY)).step_seconds(1)
            self.solve(task, Budget(60.0, steps=1))
            make_auxiliary = self.auxiliary(model, task)  # one step does not come that far
            if make_auxiliary is not None:
                make_auxiliary()

    def auxiliary(self, model: "PreTrainedModel", task: Task) -> "MakeTasks | None":
        """Return what makes the auxiliary tasks to train on beside the demonstrations; None for a model of text."""
        from ensemble.adaptation.auxiliary import auxiliary_tasks
        from ensemble.model import GridLM

        settings = self.config.adaptation
        wanted = settings.method != "none" and settings.recipe == "packed" and settings.auxiliary_share > 0
        return partial(auxiliary_tasks, task) if wanted and isinstance(model, GridLM) else None

    def prompt(self, task: Task, test_index: int, view: View) -> EncodedSequence:
        """Encode a task under a view up to the output that is wanted."""
        query = view.grid(task.test_inputs[test_index])
        examples = view.examples(task.train)
        task_format = format_of(self.load())
        return task_format.encode_pairs(task_format.keep_within(examples, self._max_tokens, query=query), query=query)

    def plan(
        self, model: "PreTrainedModel", task: Task, seed: int, deadline: float | None, num_drafts: int = 0
    ) -> Plan:
        """Choose as many views as leave enough time for training, by the model's speed on the first prompt.

        Without a ``deadline`` (``time.monotonic()``) all views are taken.
        """
        inference = self.config.inference
        views = views_for(inference, len(task.train), seed)
        seen = [example.output for example in task.train]
        task_format = format_of(model)
        longest = max(len(task_format.grid_tokens(grid)) for grid in [*seen, *task.test_inputs])
        # Twice what any shown grid needs: an output beyond it is rare, and a model that runs on is cut off.
        max_new_tokens = min(inference.max_new_tokens or task_format.max_grid_tokens, 2 * longest + MAX_SIDE)
        shapes = self._shapes_of(task)
        outputs = tuple(
            longest if shape is None else len(task_format.grid_tokens(seal(np.zeros(shape, np.uint8))))
            for shape in shapes
        )
        if deadline is None:
            return Plan(views, max_new_tokens, shapes, outputs, 0.0, 0.0)
        prompts = [self.prompt(task, k, views[0]) for k in range(len(task.test_inputs))]
        speed = _Speed(model, prompts[0])
        left = deadline - time.monotonic()

        # A scored token attends to the whole prompt, a prompt's to half of it.
        grid = sum(outputs) * 2 * speed.prefill_seconds_per_token

        def seconds_of(count: int) -> float:
            each = 1 if inference.min_probability == 0 else _BRANCHES
            decode = sum(outputs) * speed.step_seconds(count) * (each + inference.samples)
            prefill = count * sum(map(len, prompts)) * speed.prefill_seconds_per_token
            own = (count if inference.min_probability else (count + 1) / 2) + count * inference.samples
            return _SAFETY * (prefill + decode + own * count * grid) + drafts_seconds_of(count)

        def drafts_seconds_of(count: int) -> float:
            return min(_SAFETY * num_drafts * count * grid, DRAFTS_SHARE * left)

        count = len(views)
        seconds = seconds_of(count)
        while count > 1 and seconds > INFERENCE_SHARE * left:
            count = (count + 1) // 2
            seconds = seconds_of(count)
        return Plan(views[:count], max_new_tokens, shapes, outputs, seconds, drafts_seconds_of(count))

    def propose(
        self,
        model: "PreTrainedModel",
        task: Task,
        test_index: int,
        plan: Plan,
        deadline: float | None,
        drafts: Sequence[Grid] = (),
        *,
        steps: int,
        seed: int = 0,
    ) -> list[Candidate]:
        """Decode one test input under the planned views, turn the grids back, score each under all of the views.

        Drafts are scored after them, as far as the time goes. ``steps`` says how long the model was adapted.
        """
        from ensemble.inference import Views, pooled_scores, verify_drafts
        from ensemble.memory import give_back_freed_memory

        give_back_freed_memory()  # of training, or of the test input before
        if deadline is not None:
            # The time left is shared with the test inputs after this one.
            now = time.monotonic()
            deadline = now + (deadline - now) / (len(task.test_inputs) - test_index)
        prompts = [self.prompt(task, test_index, view) for view in plan.views]
        views = Views(model, plan.views, prompts, plan.max_new_tokens, plan.expected_tokens[test_index])
        is_greedy = not self.config.inference.min_probability
        accepted, known = verify_drafts(views, drafts if is_greedy else (), deadline)
        own = Provenance(self.name, "neural", "decode", adapted=steps > 0, steps=steps)
        found = [
            (views.views[row].undo(grid), log_likelihood, replace(own, view=views.views[row].name, engine=engine))
            for row, engine, grid, log_likelihood in self._outputs(
                views, accepted, deadline, seed, plan.shapes[test_index]
            )
        ]
        outputs = [(grid, log_likelihood) for grid, log_likelihood, _ in found]
        give_back_freed_memory()  # of decoding
        scores = pooled_scores(views, outputs, drafts, known, deadline)
        sources = [(grid, source) for grid, _, source in found]
        others = scores.keys() - {grid_key(grid) for grid, _ in sources}
        judged = replace(own, engine="judge", draws=0)
        sources += [(grid, judged) for grid in drafts if grid_key(grid) in others]
        candidates = [
            Candidate(task.task_id, test_index, grid, scores[grid_key(grid)], source) for grid, source in sources
        ]
        return sorted(candidates, key=lambda candidate: -candidate.log_score)

    def _shapes_of(self, task: Task) -> tuple[tuple[int, int] | None, ...]:
        """Return the shape that each test output is bound to, if it is known and the model's format can be bound."""
        from dsl.search.cells.shape import expected_shapes

        unknown = (None,) * len(task.test_inputs)
        if not self.config.inference.known_shapes or not format_of(self.load()).takes_shapes:
            return unknown
        return tuple(expected_shapes(task) or unknown)

    def _outputs(
        self,
        views: "Views",
        accepted: "dict[int, Decoded]",
        deadline: float | None,
        seed: int,
        shape: tuple[int, int] | None,
    ) -> Iterator[tuple[int, str, Grid, float]]:
        """Yield view, engine, grid in the view's frame and log-likelihood of all outputs, those of a view together."""
        import torch

        from ensemble.decode import Sampling

        inference, count = self.config.inference, len(views.views)
        bound: dict[int, list[Decoded]] = {}
        if inference.min_probability:
            decoded = views.decode_above(inference.min_probability, deadline)
            bound = self._bound(views, decoded, shape, deadline)
        else:
            left = [row for row in range(count) if row not in accepted]
            greedy = accepted | dict(zip(left, views.decode(left, deadline), strict=True))
            decoded = [[greedy[row]] for row in range(count)]
        generator = torch.Generator(views.model.device).manual_seed(seed)
        sampling = Sampling(inference.temperature, generator)
        drawn = [views.decode(range(count), deadline, sampling) for _ in range(inference.samples)]
        for row in range(count):
            named = [("branch" if k else "decode", output) for k, output in enumerate(decoded[row])]
            named += [("bound", output) for output in bound.get(row, ())]
            for engine, output in [*named, *(("sample", outputs[row]) for outputs in drawn)]:
                if output.grid is not None:
                    yield row, engine, output.grid, output.log_likelihood

    def _bound(
        self,
        views: "Views",
        decoded: "Sequence[Sequence[Decoded]]",
        shape: tuple[int, int] | None,
        deadline: float | None,
    ) -> "dict[int, list[Decoded]]":
        """Return the outputs of a known shape of the views whose likeliest one has another."""
        if shape is None:
            return {}
        blank, wrong = seal(np.zeros(shape, np.uint8)), dict[int, tuple[int, int]]()
        for row, view in enumerate(views.views):
            height, width = view.grid(blank).shape
            likeliest = decoded[row][0].grid if decoded[row] else None
            if likeliest is None or likeliest.shape != (height, width):
                wrong[row] = int(height), int(width)
        if not wrong or (deadline is not None and time.monotonic() >= deadline):
            return {}
        found = views.decode_above(self.config.inference.min_probability, deadline, wrong)
        return dict(zip(sorted(wrong), found, strict=True))


class _Speed:
    """Times of the model on one prompt.

    Attributes:
        prefill_seconds_per_token: of the prompt.
    """

    def __init__(self, model: "PreTrainedModel", prompt: EncodedSequence) -> None:
        from ensemble.cache import prefill
        from ensemble.model import wait_for

        self._model = model
        for _ in range(2):  # the first run of a shape prepares for it
            started = time.monotonic()
            self._prefilled = prefill(model, [prompt], _STEPS)
            wait_for(model.device)
            seconds = time.monotonic() - started
            if seconds > _QUICK_SECONDS:
                break
        self.prefill_seconds_per_token = seconds / len(prompt)

    def step_seconds(self, views: int) -> float:
        """Return the time of one token of each of so many views, half of them at a time where memory ends."""
        import torch

        from ensemble.decode import decode_greedy
        from ensemble.memory import is_out_of_memory, release_memory

        try:
            together = self._prefilled.select(torch.zeros(views, dtype=torch.int64, device=self._prefilled.keys.device))
            started = time.monotonic()
            decode_greedy(self._model, together, max_new_tokens=_STEPS)
            return (time.monotonic() - started) / (_STEPS - 1)
        except RuntimeError as error:
            if not is_out_of_memory(error) or views == 1:
                raise
        release_memory()
        return 2 * self.step_seconds((views + 1) // 2)
