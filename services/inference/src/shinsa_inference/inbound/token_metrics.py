"""What each model reads and writes, as counters."""

from __future__ import annotations

from shinsa_chassis.metrics import tokens_counted

from shinsa_inference.domain.completion import Completion


def noted(model: str, completion: Completion) -> Completion:
    """The same completion, its tokens counted under the model's name."""
    tokens_counted(model, completion.usage.prompt, completion.usage.completion)
    return completion
