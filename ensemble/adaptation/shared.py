"""One adapter for all tasks, in place of one for each: the ablation of Akyürek et al. 2024, section 3.3.

train_shared_adapter(model, tasks, config, folder, max_tokens=3072, seed=0, bound=Bound(2000))
# then: neural.adaptation.adapter = "shared", neural.adaptation.adapter_folder = folder
"""

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from transformers import PreTrainedModel

from dsl.task import Task
from ensemble.adaptation.engine import Adaptation, Bound, Feed
from ensemble.config import AdaptationConfig
from ensemble.formats import format_of
from ensemble.ttt import restorer, train_lora


def train_shared_adapter(
    model: PreTrainedModel,
    tasks: Iterable[Task],
    config: AdaptationConfig,
    folder: Path,
    *,
    max_tokens: int,
    seed: int,
    bound: Bound,
) -> Adaptation:
    """Train an adapter on the demonstrations of all tasks in turn, save it, and leave the model as it was."""
    report = Adaptation()
    feed = Feed([task.train for task in tasks if task.train], config, max_tokens, seed, format_of(model))
    with ExitStack() as restore:
        restore.callback(restorer(model))
        train_lora(model, feed, config, seed, bound, report, restore, folder)
    return report
