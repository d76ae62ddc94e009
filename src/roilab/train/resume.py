"""Which settings a resumed run may change; free of torch."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from roilab.errors import RoilabError

log = logging.getLogger(__name__)

Recipe = Mapping[str, Any]
_ABSENT = "absent"
_NOT_LOGGED = ("output_dir", "run_dir", "resume", "resume_override", "sweep", "job")


class ResumeError(RoilabError):
    """A setting differs from that of the checkpoint and cannot change."""


@dataclass(frozen=True)
class Difference:
    """A key whose value differs between the checkpoint's recipe and the configuration."""

    key: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.key}: {self.old} -> {self.new}"


Rule = Callable[[Difference], bool]


def _always(_: Difference) -> bool:
    return True


def _never(_: Difference) -> bool:
    return False


def _numbers(difference: Difference) -> bool:
    """Return whether both values are numbers or lists of numbers, which any optimizer takes."""
    return all(
        isinstance(number, int | float) and not isinstance(number, bool)
        for value in (difference.old, difference.new)
        for number in (value if isinstance(value, list) else [value])
        if value != _ABSENT
    )


def _same_images(difference: Difference) -> bool:
    """Return whether both values are data modules that give the same images."""
    return {difference.old, difference.new} <= {
        "roilab.data.RoiDataModule",
        "roilab.data.PreparedDataModule",
    }


@dataclass(frozen=True)
class _Change:
    taken: Rule  # as configured, and logged
    overridden: Rule  # only with resume_override=true


_TAKEN = _Change(_always, _always)
_OVERRIDE = _Change(_never, _always)
_NUMBERS = _Change(_never, _numbers)
_REFUSED = _Change(_never, _never)

# The longest prefix of a key decides. All other keys cannot change: network, layers, rebin,
# truth, loss, split, order, seed, ...
MAY_CHANGE: dict[str, _Change] = {
    # where the run is written, how it is started, and what is made of the result
    "output_dir": _TAKEN,
    "run_dir": _TAKEN,
    "resume": _TAKEN,
    "resume_override": _TAKEN,
    "grace_s": _TAKEN,
    "sweep": _TAKEN,
    "report": _TAKEN,
    "tags": _TAKEN,
    "job": _TAKEN,
    "optimized_metric": _TAKEN,
    "logger": _TAKEN,
    "callbacks": _TAKEN,
    "export": _TAKEN,
    "physics": _TAKEN,
    "working_point": _TAKEN,
    # the same data in another place, and how they are read
    "data._target_": _Change(_same_images, _same_images),
    "data.dir": _TAKEN,
    "data.samples": _TAKEN,
    "data.simulated_samples": _TAKEN,
    "data.cache": _TAKEN,
    "data.num_workers": _TAKEN,
    "data.pin_memory": _TAKEN,
    # length, place and speed of the training
    "model.channels_last": _TAKEN,
    "trainer.max_epochs": _TAKEN,
    "trainer.min_epochs": _TAKEN,
    "trainer.max_time": _TAKEN,
    "trainer.accelerator": _TAKEN,
    "trainer.threads": _TAKEN,
    "trainer.default_root_dir": _TAKEN,
    "trainer.plugins": _TAKEN,
    "trainer.profiler": _TAKEN,
    "trainer.log_every_n_steps": _TAKEN,
    "trainer.num_sanity_val_steps": _TAKEN,
    "trainer.fast_dev_run": _TAKEN,
    "trainer.enable_model_summary": _TAKEN,
    "trainer.enable_progress_bar": _TAKEN,
    "trainer.deterministic": _TAKEN,
    "trainer.detect_anomaly": _TAKEN,
    # from here on another training
    "optimizer": _NUMBERS,
    "optimizer._target_": _REFUSED,
    "scheduler": _OVERRIDE,
    "model.mask_thresh": _OVERRIDE,
    "trainer.precision": _OVERRIDE,
    "trainer.devices": _OVERRIDE,
    "trainer.num_nodes": _OVERRIDE,
    "trainer.strategy": _OVERRIDE,
    "trainer.sync_batchnorm": _OVERRIDE,
    "trainer.accumulate_grad_batches": _OVERRIDE,
    "trainer.gradient_clip_val": _OVERRIDE,
    "trainer.gradient_clip_algorithm": _OVERRIDE,
    "trainer.check_val_every_n_epoch": _OVERRIDE,
    "trainer.limit_val_batches": _OVERRIDE,
}


def check_resume(old: Recipe, new: Recipe) -> list[Difference]:
    """Check that a run can be resumed with another configuration, and return what differs.

    Args:
        old: recipe of the checkpoint.
        new: configuration of this run, as plain containers; its ``resume_override`` allows more.

    Raises:
        ResumeError: a setting cannot change, or only with ``resume_override``.
    """
    differences = find_differences(old, new)
    asked = [each for each in differences if not _rule(each.key).taken(each)]
    refused = [each for each in asked if not _rule(each.key).overridden(each)]
    override = bool(new.get("resume_override"))
    if refused or (asked and not override):
        raise ResumeError(_describe(refused, [each for each in asked if each not in refused]))
    return differences


def log_differences(differences: list[Difference]) -> None:
    """Log one line for each changed setting, but not for the folder and the way of resuming."""
    for each in differences:
        if each.key.split(".")[0] not in _NOT_LOGGED:
            log.info("resumed with another %s", each)


def find_differences(old: Recipe, new: Recipe) -> list[Difference]:
    """Return the keys that differ, in the order of their names.

    Paths in the folder of the run are equal if the rest of them is.
    """
    before, after = _flatten(old), _flatten(new)
    folders = (str(old.get("run_dir")), str(new.get("run_dir")))
    found = []
    for key in sorted({*before, *after}):
        each = Difference(key, before.get(key, _ABSENT), after.get(key, _ABSENT))
        moved = each.old.replace(*folders) if isinstance(each.old, str) else each.old
        if each.new not in (each.old, moved):
            found.append(each)
    return found


def _rule(key: str) -> _Change:
    parts = key.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((MAY_CHANGE[prefix] for prefix in prefixes if prefix in MAY_CHANGE), _REFUSED)


def _flatten(value: Any, key: str = "") -> dict[str, Any]:
    """Return the values of a nested mapping by dotted key; lists are values."""
    if not isinstance(value, Mapping) or (key and not value):
        return {key: value}
    return {
        inner: leaf
        for name, item in value.items()
        for inner, leaf in _flatten(item, f"{key}.{name}".lstrip(".")).items()
    }


def _describe(refused: list[Difference], asked: list[Difference]) -> str:
    text = "the run to resume had other settings (old -> new)."
    if refused:
        text += f" These cannot change: {', '.join(map(str, refused))}."
    if asked:
        text += f" These only with resume_override=true: {', '.join(map(str, asked))}."
    return f"{text} Give the old values, or start a new run in another output_dir."
