"""The settings that the trials of a study vary, and their possible values."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roilab.config.kinds import show
from roilab.search.errors import SearchError

if TYPE_CHECKING:  # takes time to import, and is an extra
    from optuna.trial import Trial

_NAMES = ("low", "high", "log", "step")
_EXAMPLES = "[1,4,10] or {low:0.001,high:0.3,log:true}"


class Parameter(ABC):
    """A setting that the trials vary."""

    key: str

    @abstractmethod
    def suggest(self, trial: "Trial") -> str:
        """Let Optuna choose a value, and return it as an override."""

    @abstractmethod
    def examples(self) -> Sequence[str]:
        """Return values, as texts of the command line, that a check of the space tries."""

    @abstractmethod
    def record(self) -> Any:
        """Return the possible values as a JSON value, to compare two searches."""


@dataclass(frozen=True)
class Choices(Parameter):
    """One of several values, as texts of the command line."""

    key: str
    texts: tuple[str, ...]

    def suggest(self, trial: "Trial") -> str:  # noqa: D102
        return f"{self.key}={trial.suggest_categorical(self.key, self.texts)}"

    def examples(self) -> Sequence[str]:  # noqa: D102
        return self.texts

    def record(self) -> Any:  # noqa: D102
        return list(self.texts)


@dataclass(frozen=True)
class Interval(Parameter):
    """A number from ``low`` to ``high``, both included; whole if both are."""

    key: str
    low: float
    high: float
    log: bool = False
    step: float | None = None

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are possible."""
        return all(isinstance(one, int) for one in (self.low, self.high, self.step or 1))

    def suggest(self, trial: "Trial") -> str:  # noqa: D102
        low, high, log, step = self.low, self.high, self.log, self.step
        if self.whole:
            number = trial.suggest_int(self.key, int(low), int(high), step=int(step or 1), log=log)
            return f"{self.key}={number}"
        return f"{self.key}={trial.suggest_float(self.key, low, high, step=step, log=log)!r}"

    def examples(self) -> Sequence[str]:  # noqa: D102
        return [repr(self.low), repr(self.high)]

    def record(self) -> Any:  # noqa: D102
        return {name: getattr(self, name) for name in _NAMES}


def read_space(space: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """Return the parameters of ``search.space``.

    Raises:
        SearchError: it is empty, or the values of a key are neither a list nor an interval.
    """
    if not space:
        raise SearchError(
            "search.space is empty; name settings and their values, such as "
            f"search.space='{{data.pad:{_EXAMPLES[:8]}}}', or choose a file of conf/search, such "
            "as search=optimizer."
        )
    return tuple(_parameter(str(key), values) for key, values in space.items())


def _parameter(key: str, values: Any) -> Parameter:
    if isinstance(values, Mapping) and {"low", "high"} <= set(values) <= set(_NAMES):
        return _interval(key, values)
    if isinstance(values, Sequence) and not isinstance(values, str) and len(values) > 1:
        texts = tuple(override_text(value) for value in values)
        if len(set(texts)) == len(texts):
            return Choices(key, texts)
    raise SearchError(
        f"search.space: {key}={show(values)}; expected at least two different values or an "
        f"interval, such as {_EXAMPLES}. Correct the values of {key}."
    )


def _interval(key: str, values: Mapping[str, Any]) -> Interval:
    numbers = [values[name] for name in ("low", "high", "step") if values.get(name) is not None]
    log, step = values.get("log", False), values.get("step")
    text = ""
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in numbers):
        text = "low, high and step to be numbers"
    elif values["low"] >= values["high"] or (step is not None and step <= 0):
        text = "low below high, and a step above 0"
    elif log and (values["low"] <= 0 or step is not None):
        text = "low above 0 and no step where log is true"
    if text:
        raise SearchError(f"search.space: {key}={show(values)}; expected {text}. Correct it.")
    return Interval(key, values["low"], values["high"], bool(log), step)


def override_text(value: Any) -> str:
    """Return a value as Hydra reads it on the command line, with quotes where it needs them."""
    match value:
        case None | bool():
            return "null" if value is None else str(value).lower()
        case Mapping():
            items = (f"{key}:{override_text(item)}" for key, item in value.items())
            return f"{{{','.join(items)}}}"
        case str():
            word = re.fullmatch(r"(?!(null|true|false|nan|inf)$)[A-Za-z_/][\w./-]*", value, re.I)
            return value if word else "'" + value.replace("'", r"\'") + "'"
        case Sequence():
            return f"[{','.join(map(override_text, value))}]"
    return repr(value)  # of a number
