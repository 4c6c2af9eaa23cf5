"""What an engine hands to the scheduler before it is verified."""

from dataclasses import dataclass

from dsl.program import Program


@dataclass(frozen=True, slots=True)
class Proposal:
    """A program that an engine believes in, before it is verified.

    Attributes:
        program: for the task's own inputs.
        cost: in bits, on the scale of all engines.
        engine: ``pipe`` or ``image`` for one value of a search over images, ``cover`` for a composition.
    """

    program: Program
    cost: float
    engine: str
