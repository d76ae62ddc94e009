"""Every key of every file in conf/ stands in a table of roilab.config, and the tables are right."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from roilab.config import limits
from roilab.config.combined_kinds import Free, Null, Section
from roilab.config.commands import COMMANDS
from roilab.config.kinds import Choice, Kind
from roilab.config.parts import PARTS
from roilab.data.images import PadUnit
from roilab.detectors.detector import PLANE_NAMES
from roilab.entry_point import config_dir
from roilab.export.settings import Format, Precision
from roilab.frames import CONTAINERS
from roilab.metrics import segmentation_metrics

Tree = dict[str, Any]
COMMAND_OF = {
    **{"simulation": "simulate", "study": "benchmark", "network_spec": "evaluate"},
    "search": "search",
}
GIVEN = {"train": ["data.dir=somewhere", "run_dir=out"], "simulate": ["output_dir=out"]}
GIVEN |= dict.fromkeys(("prepare", "convert"), GIVEN["simulate"])
ALL = sorted(path.relative_to(config_dir()) for path in config_dir().rglob("*.yaml"))
INCOMPLETE = (Path("model/base.yaml"), Path("simulation/generator/scattered.yaml"))
# command: folders and logs of Hydra.
FILES = [
    path for path in ALL if path.parts[0] not in ("hydra", "command") and path not in INCOMPLETE
]


@cache
def composed(command: str) -> Tree:
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose(command, GIVEN.get(command, ["run_dir=out"]))
    return OmegaConf.to_container(config)  # type: ignore[return-value]


def merged(path: Path) -> Tree:
    """Return the keys of a file with those of the files of its folder that it is built on."""
    own = OmegaConf.load(config_dir() / path)
    before: list[Any] = []
    for entry in own.pop("defaults", []):
        if isinstance(entry, str) and entry != "_self_":
            name, _, package = entry.partition("@")  # "cosmic@kinds.blips": the keys stand there
            if _is_global(path.with_stem(name)):  # its keys stand at the top; walked on its own
                continue
            content: Any = merged(path.with_stem(name))
            for part in reversed(package.split(".") if package else []):
                content = {part: content}
            before.append(content)
        elif not isinstance(entry, str) and "/" not in str(entry) and "override" not in str(entry):
            ((part, name),) = entry.items()
            before.append({part: merged(path.parent / part / f"{name}.yaml")})
    return OmegaConf.to_container(OmegaConf.merge(*before, own))  # type: ignore[return-value]


def _is_global(path: Path) -> bool:
    return "@package _global_" in (config_dir() / path).read_text().split("\n")[0]


def with_file(path: Path) -> tuple[str, Tree]:
    """Return the command that takes a file, and its configuration with that file."""
    if len(path.parts) == 1:
        return path.stem, composed(path.stem)
    group, *parts = path.parent.parts
    command = COMMAND_OF.get(group, "train")
    content = merged(path)
    if not _is_global(path):
        for name in reversed([group, *parts]):
            content = {name: content}
        return command, content
    return command, OmegaConf.to_container(  # type: ignore[return-value]
        OmegaConf.merge(composed(command), content)
    )


def unknown(node: Mapping[str, Any], kinds: Mapping[str, Kind], path: str = "") -> Iterator[str]:
    """Yield the keys of values (not of groups) that no table has."""
    for key, value in node.items():
        here = f"{path}.{key}" if path else key
        kind = kinds.get(key, kinds.get("*"))
        kind = kind.kind if isinstance(kind, Null) else kind
        if key.startswith("_") or here == "hydra" or isinstance(kind, Free):
            continue
        items = value if isinstance(value, list) else [value]
        if any(isinstance(item, Mapping) for item in items):
            for item in items:
                target = item.get("_target_")
                inside = kind.keys if isinstance(kind, Section) else {}
                yield from unknown(item, PARTS.get(target, {}) if target else inside, here)
        elif kind is None and not (path == "" and value is None) and not _is_group(value):
            yield here


def _is_group(value: Any) -> bool:
    """Return whether a value is another group: ``${physics}``."""
    return isinstance(value, str) and value in ("${physics}", "${export}", "${detector}")


@pytest.mark.parametrize("file", FILES, ids=str)
def test_every_key_is_in_a_table(file: Path) -> None:
    command, config = with_file(file)
    assert not list(unknown(config, COMMANDS[command]))


def test_the_walk_finds_keys_without_a_kind() -> None:
    config = OmegaConf.create(composed("train"))
    OmegaConf.update(config, "data.cache.new", 1, force_add=True)
    OmegaConf.update(config, "optimizer.betas", [0.9], force_add=True)
    OmegaConf.update(config, "new_word", "fast", force_add=True)
    found = unknown(OmegaConf.to_container(config), COMMANDS["train"])  # type: ignore[arg-type]
    assert sorted(found) == ["data.cache.new", "new_word", "optimizer.betas"]


def test_every_target_of_conf_has_a_table() -> None:
    """But those without settings, and those of which a table has nothing to check."""
    without = {
        *("roilab.train.callbacks.costs.EpochCosts", "torch.nn.BCEWithLogitsLoss"),
        "lightning.pytorch.callbacks.RichProgressBar",
        *(f"roilab.train.callbacks.sanity.{name}" for name in ("StopOnNanLoss", "WarnEmptyTruth")),
        "roilab.train.checkpoint.AtomicCheckpoints",
        *(f"roilab.sweep.callback.{name}" for name in ("ClaimFolder", "ClaimRun", "ClaimSweep")),
        *("roilab.sweep.resume_check.CheckResume", "hydra.experimental.callback.Callback"),
        *("roilab.benchmark.costs.run_cost_study", "roilab.benchmark.memory.run_memory_study"),
        *(f"roilab.benchmark.export_variants.{name}" for name in ("PlainTrace", "RoilabExport")),
    }
    lines = [line for file in FILES for line in (config_dir() / file).read_text().splitlines()]
    targets = {part.split("_target_: ")[1].split(",")[0] for part in lines if "_target_: " in part}
    assert targets - without <= set(PARTS)
    assert not without & set(PARTS)


def test_words_are_those_of_the_code() -> None:
    def words(kind: Kind) -> tuple[str, ...]:
        assert isinstance(kind, Choice)
        return kind.words

    export = PARTS["roilab.export.settings.ExportSettings"]
    assert words(export["precision"]) == get_args(Precision)
    assert words(export["format"]) == get_args(Format)
    assert limits.PAD_UNIT.words == get_args(PadUnit)
    assert limits.PLANE.words == tuple(name.upper() for name in PLANE_NAMES)
    for verb in ("predict", "convert"):
        assert words(COMMANDS[verb]["container"]) == CONTAINERS
    assert sorted(limits.MASK_METRICS) == sorted(segmentation_metrics())
