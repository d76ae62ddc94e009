"""Packages of commands that are functions of the public API too.

``roilab.simulate`` and ``roilab.train`` are packages. Python sets them as attributes of ``roilab``
once they are imported, and they would hide functions of the same names. So the packages themselves
can be called.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from inspect import Signature, signature
from types import ModuleType
from typing import Any


class CallablePackage(ModuleType):
    """A package ``roilab.NAME`` that calls the function ``NAME`` in ``roilab.notebook.NAME``."""

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        """Call the function."""
        return self._function()(*arguments, **settings)

    @property
    def __signature__(self) -> Signature:
        """Arguments of the function, as notebooks and editors show them."""
        return signature(self._function())

    def _function(self) -> Callable[..., Any]:
        name = self.__name__.rpartition(".")[2]
        function: Callable[..., Any] = getattr(import_module(f"roilab.notebook.{name}"), name)
        return function


def make_callable(package: str) -> None:
    """Make a package callable; called by the package with its ``__name__``."""
    sys.modules[package].__class__ = CallablePackage
