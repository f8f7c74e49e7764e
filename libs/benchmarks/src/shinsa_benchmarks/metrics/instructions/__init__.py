"""Whether a response follows instructions that a program can check (Zhou et al. 2023, IFEval).

What the families of different languages have in common; each keeps the rules of its own language in its folder.
"""

from shinsa_benchmarks.metrics.instructions.arguments import ArgumentFault, Arguments
from shinsa_benchmarks.metrics.instructions.rules import Check, Instruction, Rule, check_of
from shinsa_benchmarks.metrics.instructions.verdicts import loose_verdicts, loosened, strict_verdicts

__all__ = [
    "ArgumentFault",
    "Arguments",
    "Check",
    "Instruction",
    "Rule",
    "check_of",
    "loose_verdicts",
    "loosened",
    "strict_verdicts",
]
