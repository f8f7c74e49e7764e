"""From an instruction's id and arguments to a check of a response."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shinsa_benchmarks.metrics.instructions.arguments import ArgumentFault, Arguments
from shinsa_benchmarks.near_names import did_you_mean

# Whether a response follows. It must not raise on any text.
Check = Callable[[str], bool]
# Makes the check of an instruction from its arguments; raises ``ArgumentFault``.
Rule = Callable[[Arguments], Check]


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a prompt, such as ``length_constraints:number_sentences``."""

    id: str
    arguments: Mapping[str, Any]


def check_of(rules: Mapping[str, Rule], instruction: Instruction) -> Check:
    """The instruction's check. Raises ``ArgumentFault`` for an unknown id and for arguments that do not fit."""
    if instruction.id not in rules:
        raise ArgumentFault(f"unknown instruction {instruction.id!r}{did_you_mean(instruction.id, rules)}")
    try:
        return rules[instruction.id](Arguments(instruction.arguments))
    except ArgumentFault as fault:
        raise ArgumentFault(f"instruction {instruction.id!r}: {fault}") from fault
