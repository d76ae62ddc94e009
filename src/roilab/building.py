"""Make the object that a ``_target_`` of the configuration names."""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import get_object, instantiate

from roilab.errors import RoilabError, message

_SPECIAL = ("_target_", "_partial_", "_args_", "_convert_", "_recursive_")
_MAX_NAMES = 8  # in an error text
_NOT_FOUND = re.compile(r"Error locating target '([^']*)'")


class TargetError(RoilabError):
    """The object that a ``_target_`` names cannot be made."""


def build(key: str, config: Mapping[str, Any], advice: str = "", **arguments: Any) -> Any:
    """Make the object of a part of the configuration.

    Lists and mappings reach it as plain ``list`` and ``dict``: libraries check for these types, and
    a checkpoint that holds others cannot be read as data only.

    Args:
        key: of the part in the configuration, such as ``model.net``, for messages.
        config: ``_target_`` and arguments.
        advice: what to do where the arguments do not fit.
        **arguments: further arguments.

    Raises:
        TargetError: the class cannot be imported, its arguments do not fit, or it raises an error.
        RoilabError: (its subclasses) that the class itself raises.
    """
    try:
        made = instantiate(config, **arguments, _convert_="all")
    except InstantiationException as error:
        if isinstance(error.__cause__, RoilabError):
            raise error.__cause__ from None
        raise TargetError(_explain(key, config, arguments, error, advice)) from error
    if config.get("_partial_"):
        _check_partial(key, config, advice)
    return made


def _explain(
    key: str,
    config: Mapping[str, Any],
    arguments: Mapping[str, Any],
    error: InstantiationException,
    advice: str,
) -> str:
    if match := _NOT_FOUND.match(str(error)):
        reason = _reason(error)
        if "is not a package" in reason:  # a module without this name in it
            module, _, attribute = match[1].rpartition(".")
            reason = f"{module} has no {attribute}"
        return (
            f"{key}: '{match[1]}' cannot be imported ({reason}); expected the import path of "
            "a class or function, such as package.module.Class. Python finds packages that are "
            "installed, in PYTHONPATH, or in the folder where the command is started."
        )
    name = config.get("_target_")
    given = {**{k: v for k, v in config.items() if k not in _SPECIAL}, **arguments}
    text = "" if name is None else _misfit(get_object(name), given)
    if text:
        return f"{key}._target_={name} {text}. {advice or f'Correct the arguments of {key}.'}"
    what = key if name is None else f"{key}._target_={name}"
    return f"{what} cannot be made ({_reason(error)}). Correct the class or its arguments."


def _reason(error: BaseException) -> str:
    """Return the text of the first error, without those that follow from it."""
    while error.__cause__ is not None:
        error = error.__cause__
    return message(error).removesuffix(".")


def _check_partial(key: str, config: Mapping[str, Any], advice: str) -> None:
    """Check arguments that are used only later, such as those of an optimizer."""
    name, given = str(config["_target_"]), [k for k in config if k not in _SPECIAL]
    if text := _misfit(get_object(name), dict.fromkeys(given), partial=True):
        raise TargetError(
            f"{key}._target_={name} {text}. {advice or f'Correct the arguments of {key}.'}"
        )


def _misfit(target: Callable[..., Any], given: Mapping[str, Any], partial: bool = False) -> str:
    """Return in words how arguments do not fit a class or function; empty where they do."""
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):  # written in C
        return ""
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    known = [p.name for p in named]
    takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters)
    unknown = [] if takes_all else [name for name in given if name not in known]
    missing = [p.name for p in named if p.default is p.empty and p.name not in given]
    texts = [f"takes no {_names(unknown)}: it takes {_names(known) or 'no argument'}"] * bool(
        unknown
    )
    if missing and not partial:
        texts.append(f"needs {_names(missing)}")
    return ", and ".join(texts)


def _names(names: list[str]) -> str:
    more = len(names) - _MAX_NAMES
    return ", ".join(names[:_MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
