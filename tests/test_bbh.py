"""BIG-Bench Hard: what is shown and asked, how it is written, that answers are greedy, and what training changes."""

import json

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from ensemble.bbh import asking
from ensemble.bbh.asking import Asker, load, trained_on
from ensemble.bbh.questions import Question, is_right, read_tasks
from ensemble.bbh.run import Row, Summary, read_rows
from ensemble.bbh.settings import bbh_config
from ensemble.bbh.text import MIN_TOKENS, PermutationFeed, Writer
from ensemble.cli import main
from ensemble.encode import IGNORE
from ensemble.errors import ConfigError, DataError, RunError
from tests.test_adopt import SHAPE
from tests.tokenizers_of_models import llama_3, mistral, qwen_2

KINDS = {
    "llama": (llama_3, LlamaConfig, LlamaForCausalLM),
    "mistral": (mistral, LlamaConfig, LlamaForCausalLM),
    "qwen2": (qwen_2, Qwen2Config, Qwen2ForCausalLM),
}
TEACHABLE = {"adaptation.learning_rate": 0.02, "adaptation.rank": 8, "adaptation.alpha": 16, "max_new_tokens": 4}


@pytest.fixture(params=sorted(KINDS))
def model_folder(request, tmp_path):
    return make_model(tmp_path / "model", request.param, initializer_range=0.4)


def make_model(folder, kind, **settings):
    make_tokenizer, config, network = KINDS[kind]
    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = network(config(vocab_size=len(tokenizer), **SHAPE, **settings))
        model.model.embed_tokens.weight.data *= 8.0  # so that a context and an adapter reach the output
        model.lm_head.weight.data *= 8.0
        model.save_pretrained(folder)
    return folder


def questions(count=20):
    return [Question(f"is {i * i}\nmore than {3 * i}?", "Red" if i % 2 else "Blue") for i in range(count)]


def write_data(folder, **tasks):
    folder.mkdir()
    for name, content in tasks.items():
        examples = [{"input": question.text, "target": question.target} for question in content]
        (folder / f"{name}.json").write_text(json.dumps({"canary": "...", "examples": examples}))
    return folder


def test_shown_and_asked_are_all_and_apart_and_drawn_by_seed(tmp_path) -> None:
    data = write_data(tmp_path / "data", b_task=questions(), a_task=questions(12))
    first, second = read_tasks(data, [], 10, seed=1)
    assert (first.name, second.name) == ("a_task", "b_task")
    assert (len(second.shown), len(second.asked)) == (10, 10)
    assert sorted(map(str, second.shown + second.asked)) == sorted(map(str, questions()))
    assert [second] == read_tasks(data, ["b_task"], 10, seed=1)
    assert second.shown != read_tasks(data, ["b_task"], 10, seed=2)[0].shown
    assert read_tasks(data, ["b_task"], 10, seed=1, limit=3)[0].asked == second.asked[:3]


def test_bad_data_is_one_clear_line(tmp_path) -> None:
    data = write_data(tmp_path / "data", task=questions(10))
    with pytest.raises(DataError, match=r"must be a folder with the \.json files"):
        read_tasks(tmp_path / "nowhere", [], 10, 0)
    with pytest.raises(DataError, match="has no task 'tusk'; it has task"):
        read_tasks(data, ["tusk"], 10, 0)
    with pytest.raises(DataError, match="too few to show 10"):
        read_tasks(data, [], 10, 0)
    (data / "task.json").write_text('{"examples": [{"input": 1}]}')
    with pytest.raises(DataError, match="must hold"):
        read_tasks(data, [], 10, 0)


@pytest.mark.parametrize(
    ("answer", "target", "right"),
    [(" (A)", "(A)", True), ("\n(A) \nQ: next", "(A)", True), (" (A) or (B)", "(A)", False), ("", "(A)", False)],
)
def test_the_first_line_counts(answer, target, right) -> None:
    assert is_right(answer, Question("?", target)) is right


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_only_answers_are_trained_and_training_reads_what_asking_does(kind) -> None:
    tokenizer = KINDS[kind][0]()
    writer, shown = Writer(tokenizer), questions(4)
    sequence = writer.sequence(shown, 10_000)
    assert sequence.tokens.tolist() == writer.context(shown)
    trained = sequence.labels != IGNORE
    assert (sequence.tokens[trained] == sequence.labels[trained]).all()
    text = "".join(f"{question.target}\n\n" for question in shown)
    assert tokenizer.decode(sequence.tokens[trained]).replace(" ", "") == text
    last = len(sequence) - len(writer.example(shown[-1])[0])
    assert sequence.tokens[last:].tolist()[: len(writer.prompt(shown[-1]))] == writer.prompt(shown[-1])
    assert not trained[: len(writer.start) + len(writer.prompt(shown[0]))].any()


def test_a_long_sequence_leaves_the_first_examples_out() -> None:
    writer, shown = Writer(llama_3()), questions(6)
    short = writer.sequence(shown, len(writer.sequence(shown, 10_000)) - 1)
    assert short.tokens.tolist() == writer.context(shown[1:])
    assert writer.sequence(shown, 1).tokens.tolist() == writer.context(shown[-1:])


def test_every_permutation_is_read_once_and_a_step_stays_until_it_is_taken(tmp_path) -> None:
    data = write_data(tmp_path / "data", a=questions(5), b=questions(6))
    tasks, writer = read_tasks(data, [], 4, 0), Writer(qwen_2())
    feed = PermutationFeed(tasks, writer, permutations=7, batch_size=4, max_tokens=5000, seed=3)
    assert feed.steps == 4
    seen = []
    for _ in range(feed.steps):
        again = [sequence.tokens.tolist() for sequence in feed.draw()]
        assert again == [sequence.tokens.tolist() for sequence in feed.draw()]
        assert sum(len(batch.tokens) for batch in feed.batches(feed.draw())) == len(again)
        seen += again
        feed.observe(1.0)
    assert len(seen) == 14
    examples = {task.name: sorted(str(writer.example(shown)) for shown in task.shown) for task in tasks}
    assert all(len(tokens) in {len(writer.context(task.shown)) for task in tasks} for tokens in seen)
    assert len(examples) == 2
    assert len({tuple(tokens) for tokens in seen}) > 7
    while feed.shrink():
        pass
    assert feed.batch_size == 1
    assert MIN_TOKENS <= feed.max_tokens < 2 * MIN_TOKENS


def plain_answer(model, tokenizer, tokens, count):
    """Return greedy tokens one at a time without a cache, up to the first line break."""
    written = []
    for _ in range(count):
        with torch.no_grad():
            written.append(int(model(input_ids=torch.tensor([[*tokens, *written]])).logits[0, -1].argmax()))
        if "\n" in tokenizer.decode(written[-1:]):
            break
    return tokenizer.decode(written, skip_special_tokens=True)


@pytest.mark.parametrize("shots", [0, 3])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_answers_in_batches_behind_a_cached_context_are_the_plain_ones(model_folder, shots, batch_size) -> None:
    tokenizer = load(str(model_folder), torch.device("cpu"))[1]
    model = {"llama": LlamaForCausalLM, "qwen2": Qwen2ForCausalLM}[
        json.loads((model_folder / "config.json").read_text())["model_type"]
    ].from_pretrained(model_folder, dtype=torch.float32)
    model.eval().generation_config.eos_token_id = None
    config = bbh_config(str(model_folder), {"batch_size": batch_size, "max_new_tokens": 6})
    shown, asked = questions()[:shots], questions()[10:16]
    found = Asker(model, tokenizer, shown, config).answers(asked)
    writer = Writer(tokenizer)
    expected = [
        plain_answer(model, tokenizer, writer.context(shown) + writer.prompt(question), 6) for question in asked
    ]
    assert found == expected
    assert len(set(found)) > 1


def test_training_teaches_the_examples_and_leaves_the_model_as_it_was(tmp_path) -> None:
    folder = make_model(tmp_path / "model", "llama")
    data = write_data(tmp_path / "data", colors=[Question(question.text, "Blue") for question in questions()])
    config = bbh_config(str(folder), TEACHABLE)
    model, tokenizer = load(str(folder), torch.device("cpu"))
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    (task,) = read_tasks(data, [], config.shots, config.seed)

    def score():
        answers = Asker(model, tokenizer, task.shown, config).answers(task.asked)
        return sum(map(is_right, answers, task.asked))

    assert score() == 0
    with trained_on(model, [task], Writer(tokenizer), config) as report:
        assert report.steps == 8
        assert report.losses[-1] < 0.5 * report.losses[0]
        assert score() == len(task.asked)
    assert score() == 0
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name])


def command(tmp_path, *more):
    return ["bbh", str(tmp_path / "data"), "-o", str(tmp_path / "run"), "--model", str(tmp_path / "model"), *more]


def settings():
    return [f"--set={key}={value}" for key, value in TEACHABLE.items()]


def test_a_run_is_kept_goes_on_and_is_summed_up(tmp_path, capsys, monkeypatch) -> None:
    make_model(tmp_path / "model", "qwen2")
    blue = [Question(question.text, "Blue") for question in questions()]
    write_data(tmp_path / "data", colors=blue, others=blue[:15])
    assert main(command(tmp_path, *settings(), "--methods", "in_context", "--device", "cpu")) == 0
    path = tmp_path / "run" / "answers.jsonl"
    assert [(row.task, row.method) for row in read_rows(path)] == [("colors", "in_context"), ("others", "in_context")]
    path.write_text(path.read_text() + '{"task": "colors", "method')  # a process that was killed
    every = command(tmp_path, *settings(), "--methods", "zero_shot,in_context,ttt,shared", "--device", "cpu")
    assert main(every) == 0
    rows = read_rows(path)
    assert len(rows) == 8
    capsys.readouterr()
    monkeypatch.setattr(asking, "load", lambda *_: pytest.fail("everything is answered already"))
    assert main([*every, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"zero_shot", "in_context", "ttt", "shared"}
    assert found["ttt"]["mean"] == found["shared"]["mean"] == 1.0
    assert found["in_context"]["mean"] == 0.0
    assert found["ttt"]["tasks"]["others"]["of"] == 5
    assert found["ttt"]["gain over in_context"]["mean"] == 1.0
    assert main(every) == 0
    assert "| mean of tasks |" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--methods", "in_contxt"), "did you mean 'in_context'"),
        (("--tasks", "colours"), "has no task 'colours'"),
        (("--set", "shots=0"), "shots"),
        (("--set", "adaptation.rnk=2"), "did you mean"),
        ((), "cannot load the model"),
    ],
)
def test_wrong_use_is_one_line(tmp_path, capsys, more, message) -> None:
    write_data(tmp_path / "data", colors=questions())
    (tmp_path / "model").mkdir()
    assert main([*command(tmp_path), *more]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error


def test_other_settings_and_broken_answers_are_refused(tmp_path) -> None:
    write_data(tmp_path / "data", colors=questions())
    config = bbh_config("model", {})
    from ensemble.bbh.run import run

    run(tmp_path / "run", [], config, ["ttt"], "cpu", print)
    with pytest.raises(ConfigError, match="other settings"):
        run(tmp_path / "run", [], bbh_config("model", {"shots": 5}), ["ttt"], "cpu", print)
    (tmp_path / "run" / "answers.jsonl").write_text('{"task": 1}\n')
    with pytest.raises(RunError, match="line 1"):
        run(tmp_path / "run", [], config, ["ttt"], "cpu", print)


def test_means_are_over_tasks_not_questions() -> None:
    rows = [
        Row("a", "ttt", "", ("x",) * 4, (True, True, True, False), (), 0.0),
        Row("b", "ttt", "", ("x",), (False,), (), 0.0),
    ]
    summary = Summary(tuple(rows))
    assert summary.as_json()["ttt"]["mean"] == pytest.approx(0.375)
    assert np.isclose(summary.as_json()["ttt"]["tasks"]["a"]["n"], 3)
    assert "37.5" in str(summary)
