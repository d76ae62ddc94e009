"""Callbacks that follow the node's steps, for measuring memory."""

from collections.abc import Callable

# Called with the name of a step after the step, before its arrays are freed.
StepCallback = Callable[[str], None]


def ignore_step(step: str) -> None:
    """Do nothing."""
