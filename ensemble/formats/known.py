"""Text formats of published ARC checkpoints, and a plain one for any model.

A checkpoint that was tuned on tasks in one form of text has to be prompted in that form; these are read from the code
that trained it. Under chat templates each message is stripped, as the trainers did.
"""

from collections.abc import Mapping

from ensemble.formats.text import FormatSpec

_DIGITS = tuple("0123456789")
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjklmnpqrstuvwxyz"

PLAIN = FormatSpec(
    name="plain",
    cells=_DIGITS,
    between_cells="",
    between_rows="\n",
    start="{bos}",
    start_alone="{bos}",
    before_input="I",
    between="#O",
    after_output="#",
    after_last_output="#",
    before_query="I",
    before_answer="#O",
    after_answer="#",
    by_character=True,
)
"""Digits, rows on lines, one token for each cell, row and marker: the shortest text, for a model tuned on none."""

ARCHITECTS = FormatSpec(
    name="architects",
    cells=_DIGITS,
    between_cells="",
    between_rows="\n",
    start="{bos}" + _ALPHABET,
    start_alone="{bos}" + _ALPHABET,
    before_input="I",
    between="\n+/-=O",
    after_output="\n{eos}",
    after_last_output="\n{eos}",
    before_query="I",
    before_answer="\n+/-=O",
    after_answer="\n{eos}",
    by_character=True,
)
"""Franzen et al. 2025 (arXiv 2505.07859): ``fmt_opts`` of the scripts in da-fr/Product-of-Experts-ARC-Paper, and
``fmt_task`` in ``arc_loader.py`` there; da-fr/arc-prize-2024 writes the same. Letters in front give room to compute."""

_SYSTEM = "{bos}<|start_header_id|>system<|end_header_id|>\n\n"
_USER = "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
_ASSISTANT = "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
_MARC_PROMPT = (
    "Figure out the underlying transformation in the following examples and apply it to the test case. "
    "Here are some examples from this transformation, your answer must follow the format.\n"
    "The input-output grids are provided as python arrays:"
)

MARC = FormatSpec(
    name="marc",
    cells=_DIGITS,
    between_cells=" ",
    between_rows="]\n [",
    start=_SYSTEM + _MARC_PROMPT + "\n",
    start_alone=_SYSTEM + _MARC_PROMPT,
    before_input="[[",
    between="]] -> [[",
    after_output="]]#\n",
    after_last_output="]]#",
    before_query=_USER + "[[",
    before_answer="]] ->" + _ASSISTANT + "[[",
    after_answer="]]#<|eot_id|>",
)
"""Akyürek et al. 2024 (arXiv 2411.07279): ``GPTTextMessageRepresenterV2`` with the ``--new_format`` of their
``test_time_train.py`` (``arclib/messagers.py``, ``arclib/representers.py``), under torchtune's Llama 3 messages.
Grids are printed as numpy does."""

_BARC_PROMPT = (
    "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
    "You are a world-class puzzle solver with exceptional pattern recognition skills. Your task is to analyze puzzles, "
    "spot patterns, and provide direct solutions."
)
_BARC_QUESTION = (
    "Given input-output grid pairs as reference examples, carefully observe the patterns to predict the output grid "
    "for new test input. Each pair follows the same transformation rule. Grids are 2D arrays represented as strings, "
    "with cells (colors) separated by spaces and rows by newlines.\n"
    "Here are the input and output grids for the reference examples:\n"
)
_BARC_REQUEST = (
    "\n\n\nDirectly provide the output grids corresponding to the given test input grids, based on the patterns "
    "observed in the reference examples."
)

BARC = FormatSpec(
    name="barc",
    cells=("Black", "Blue", "Red", "Green", "Yellow", "Gray", "Pink", "Orange", "Purple", "Brown"),
    between_cells=" ",
    between_rows="\n",
    start=_SYSTEM + _BARC_PROMPT + _USER + _BARC_QUESTION,
    start_alone=_SYSTEM + _BARC_PROMPT + _USER + _BARC_QUESTION,
    before_input="Example {number}\nInput:\n",
    between="\n\nOutput:\n",
    after_output="\n\n\n",
    after_last_output="\n\n\n",
    before_query="Here is the input grid for the test example:\nInput:\n",
    before_answer=_BARC_REQUEST + _ASSISTANT + "The output grid for the test input grid is:\n\n```\n",
    after_answer="\n```<|eot_id|>",
)
"""Li et al. 2024 (arXiv 2411.02272), transduction: ``gen_transduction_only_formatted.py`` in xu3kev/BARC under the chat
template of Llama 3.1, which adds the two dates."""

SPECS: Mapping[str, FormatSpec] = {spec.name: spec for spec in (PLAIN, MARC, ARCHITECTS, BARC)}
"""Formats by name."""

_KNOWN = {"ekinakyurek/marc": "marc", "barc0/": "barc", "da-fr/": "architects"}
"""How hub ids of published checkpoints begin."""


def spec_for(source: str, name: str = "auto") -> FormatSpec:
    """Return the format of a name, or under ``auto`` that of a hub id's publisher, ``plain`` if it is none of them."""
    if name == "auto":
        name = next((known for start, known in _KNOWN.items() if source.lower().startswith(start)), "plain")
    return SPECS[name]
