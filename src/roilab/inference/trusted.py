"""Build parts of a configuration that came out of a file: known classes, plain arguments.

A checkpoint holds the configuration of its training. Hydra would call whatever that names, so a
checkpoint of a stranger could run any function. Here only the classes below, which occur in
``conf/``, and those that the user names by ``trust`` are called.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from hydra.utils import instantiate

from roilab.errors import RoilabError

# Compared with conf/ by a test.
NETWORKS = frozenset(
    f"roilab.models.{name}"
    for name in (
        "FastUNet", "MobileNetV2UNet", "NestedUNet", "TimmUNet", "TransformerUNet", "UNet",
        "UResNet",
    )
)  # fmt: skip
DATA = frozenset(
    (
        "roilab.data.RoiDataModule",
        "roilab.data.PreparedDataModule",
        "roilab.data.SimulatedDataModule",
        "roilab.detectors.Detector",  # in data.detector, which is read as plain numbers
        "roilab.detectors.WirePlane",
        "roilab.detectors.Numbering",
        "roilab.detectors.AnodeField",
        "roilab.detectors.Electronics",
    )
)

_TARGET = "_target_"
# Hydra's other keys; _args_ and _partial_ occur in no file that these parts are composed from.
_FLAGS = {"_recursive_": (True, False), "_convert_": ("none", "partial", "object", "all")}
_REFUSED = ("_args_", "_partial_")
# Of the data: names of frame files, which a reader of the data opens.
DATA_PATHS = ("dir", "rec", "tru", "train_files", "val_files", "test_files")
# No interpolation (${...}), no path, no address: these would be opened.
_NAME = re.compile(r"(?!.*\.\.)[\w .,+=-]{0,200}", re.ASCII)
_PATH = re.compile(r"[^$\x00-\x1f]{0,1000}")
# Arguments that name something to load, also those of timm.create_model.
_LOADS = re.compile(
    r"(^|_)(pretrained|checkpoint|cache|state|weights|url|hf|hub|file|path|dir)($|_)"
)
_IMPORT_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
_MAX_VALUES, _MAX_DEPTH = 10_000, 20  # the largest configuration of conf/ has 500 values


class UntrustedError(RoilabError):
    """A file names a class that is not known, or an argument that is not plain."""


def instantiate_trusted(
    config: Any,
    known: Collection[str],
    file: Path,
    trust: Collection[str] = (),
    *,
    paths: Collection[str] = (),
    **replaced: Any,
) -> Any:
    """Build what a configuration from a file describes.

    Args:
        config: ``_target_`` and arguments.
        known: import paths that are allowed.
        file: where it comes from, for messages.
        trust: further import paths, which the user named.
        paths: names of arguments that may be paths.
        **replaced: arguments that replace those of the file, as Hydra's ``instantiate``.

    Raises:
        UntrustedError: another class or an argument that is not plain; nothing is called.
        Exception: whatever the class raises, as Hydra passes it on.
    """
    if not isinstance(config, Mapping) or _TARGET not in config:
        raise UntrustedError(
            f"{file}: has no _target_ where it describes a part; expected a file written by "
            "roilab.train. Name another."
        )
    kept = {key: value for key, value in config.items() if key not in replaced}
    check_trusted(kept, known, file, trust, paths=paths)
    return instantiate(kept, _convert_="all", **replaced)


def check_trusted(
    config: Any,
    known: Collection[str],
    file: Path,
    trust: Collection[str] = (),
    *,
    paths: Collection[str] = (),
) -> None:
    """Check what ``instantiate_trusted`` would build, with the same arguments and errors."""
    _Check(frozenset(known) | frozenset(trust), file, paths).value(config, "", 0, _NAME)


class _Check:
    """Check of one configuration; every method raises ``UntrustedError``."""

    def __init__(self, known: frozenset[str], file: Path, paths: Collection[str]) -> None:
        self.known, self.file, self.paths, self.left = known, file, paths, _MAX_VALUES

    def value(self, value: Any, key: str, depth: int, texts: re.Pattern[str]) -> None:
        self.left -= 1
        if self.left < 0 or depth > _MAX_DEPTH:
            raise UntrustedError(
                f"{self.file}: its configuration is too large or too deep; expected at most "
                f"{_MAX_VALUES} values in {_MAX_DEPTH} levels. It was not written by roilab.train."
            )
        if type(value) is dict:
            for name, item in value.items():
                self._entry(name, item, f"{key}.{name}".lstrip("."), depth)
        elif type(value) in (list, tuple):
            for number, item in enumerate(value):
                self.value(item, f"{key}[{number}]", depth + 1, texts)
        elif type(value) is str:
            if not texts.fullmatch(value):
                raise self._error(key, value)
        elif value is not None and type(value) not in (bool, int, float):
            raise self._error(key, value)

    def _entry(self, name: Any, item: Any, where: str, depth: int) -> None:
        if name == _TARGET:
            self._target(item)
        elif name in _FLAGS:
            if type(item) not in (bool, str) or item not in _FLAGS[name]:
                raise self._error(where, item)
        elif type(name) is not str or name in _REFUSED:
            raise self._error(where, item)
        elif name in self.paths:
            self.value(item, where, depth + 1, _PATH)
        elif _LOADS.search(name) and not (item is None or type(item) in (bool, int, float)):
            raise self._error(where, item)
        else:
            self.value(item, where, depth + 1, _NAME)

    def _target(self, target: Any) -> None:
        if type(target) is str and target in self.known:
            return
        advice = "Do not use this file"
        if type(target) is str and _IMPORT_PATH.fullmatch(target):
            advice = f"If you know that class and trust the file, add trust=[{target}]"
        raise UntrustedError(
            f"{self.file}: names {_shown(target)}; of what a file names, only networks and data of "
            f"roilab are built. {advice}."
        )

    def _error(self, key: str, value: Any) -> UntrustedError:
        return UntrustedError(
            f"{self.file}: {_shown(key)} is {_shown(value)}; a file may hold only numbers and "
            "simple names there, no path, address, interpolation or object. Do not use this file, "
            "or train again without that argument."
        )


def _shown(value: Any) -> str:
    """Return a value for a message: short, and without control characters."""
    text = ascii(value) if type(value) in (str, int, float, bool) else type(value).__name__
    return text if len(text) <= 80 else f"{text[:77]}..."
