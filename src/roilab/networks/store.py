"""Store the best checkpoint of a run as a reference network: weights, JSON, model card, figures."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from roilab.atomic_write import atomic_write
from roilab.errors import RoilabError
from roilab.inference import (
    TrainedNetwork,
    UntrustedError,
    WorkingPointRule,
    load_network,
    network_file,
    read_checkpoint,
)
from roilab.inference.metadata import network_metadata
from roilab.inference.stored_network import (
    SUFFIX,
    description_content,
    full_weights,
    halve_weights,
    weights_content,
)
from roilab.model_card import (
    Card,
    TrainingFacts,
    card_metadata,
    format_card,
    network_facts,
)
from roilab.networks.comparison import MaskChanges, compare_masks
from roilab.networks.figures import pack_figures
from roilab.reference_networks import FOLDER, MAX_BYTES, is_name
from roilab.report.run_record import read_run
from roilab.report.swept_settings import is_place
from roilab.run_folder import run_of
from roilab.verdict import Verdict

_SUFFIXES = (SUFFIX, ".json", ".md")
_LICENCE = "BSD-3-Clause"  # that of roilab
_MOST_CHANGED = 0.01  # of the marked pixels, by float16
# Parts of a recipe that rebuild a network or tell how it was trained; the others name folders.
_PARTS = ("seed", "model", "data", "loss", "distill", "optimizer", "scheduler", "working_point")
_PLACES: Mapping[str, Any] = {"dir": None, "samples": [], "cache": None}
_PATH = re.compile(r"(^|[\[{,:='\"\s])(~|\.{0,2}/)")


class StoreError(RoilabError):
    """A run cannot be stored as a reference network."""


@dataclass(frozen=True)
class StoredNetwork:
    """What was stored.

    Attributes:
        files: weights, JSON file, model card.
        changes: of the masks by float16.
        total: size of all networks in the folder [bytes].
        verdict: on the network, from all evaluations in the folder of the run.
    """

    files: Sequence[Path]
    changes: MaskChanges
    total: int
    verdict: Verdict

    @property
    def lines(self) -> list[str]:
        """Sentences for the user."""
        weights = self.files[0]
        size = weights.stat().st_size / 1e6
        total = f"all networks there {self.total / 1e6:.2f} MB"
        most = f"at most {MAX_BYTES / 1e6:g} MB in the package"
        return [f"float16: {self.changes}", f"stored {weights} ({size:.2f} MB; {total}; {most})"]


def store_network(run: str, name: str, folder: Path, *, overwrite: bool = False) -> StoredNetwork:
    """Store the best checkpoint of a run as a reference network.

    Weights are stored in float16, after a check that this changes masks little. No folder of this
    machine is stored.

    Args:
        run: folder of a run, or a checkpoint in it.
        name: of the network.
        folder: where to write.
        overwrite: replace a network of the same name.

    Raises:
        StoreError: the name is taken or is none, the network is of another package, float16
            changes its masks, or the package would become too large.
        RoilabError: (its subclasses) the checkpoint cannot be read.
    """
    files = [folder / f"{name}{suffix}" for suffix in _SUFFIXES]
    _check_name(name, files, overwrite)
    checkpoint = network_file(Path(run))
    network = _load(checkpoint)
    weights, changes = _halve(network, checkpoint)
    facts = _facts(checkpoint, network)
    figures = pack_figures(facts.folder, facts.figures, f"{name}-figures")
    facts = replace(facts, figures=list(figures))
    description = _describe(name, network, weights, facts) | {"float16": vars(changes)}
    description["training"] |= _of_run(facts.folder)
    card = _card(network, description, facts)
    contents = [weights, description_content(description).encode(), card.encode()]
    written = dict(zip(files, contents, strict=True))
    written |= {folder / link: content for link, content in figures.items()}
    total = _check_size(folder, name, written)
    _write(written)
    _remove_other_figures(folder, name, written)
    return StoredNetwork(files, changes, total, facts.verdict(network.working_point))


def _halve(network: TrainedNetwork, checkpoint: Path) -> tuple[bytes, MaskChanges]:
    """Return the weights in float16, as a file, and what changes in the masks."""
    state = halve_weights(network.state_dict())
    changes = compare_masks(network, full_weights(state), checkpoint)
    if changes.part > _MOST_CHANGED:
        raise StoreError(
            f"{checkpoint}: float16 changes its masks: {changes}; expected at most "
            f"{_MOST_CHANGED:g} of the marked pixels. Train it longer, or lower optimizer.lr."
        )
    return weights_content(state), changes


def _check_name(name: str, files: Sequence[Path], overwrite: bool) -> None:
    if not is_name(name):
        raise StoreError(
            f"NAME={name}: expected small letters, digits, '-' and '_', such as pdhd-v10."
        )
    if not overwrite and (there := [file.name for file in files if file.exists()]):
        raise StoreError(
            f"{files[0].parent}: holds {', '.join(there)} already; name another network, or add "
            "--overwrite."
        )


def _check_size(folder: Path, name: str, contents: Mapping[Path, bytes]) -> int:
    """Return the size of all networks in a folder with the new one [bytes]."""
    others = [path for ending in (*_SUFFIXES, "-figures/*") for path in folder.glob(f"*{ending}")]
    kept = [path for path in others if path not in _files_of(folder, name)]
    total = sum(path.stat().st_size for path in kept) + sum(map(len, contents.values()))
    if folder.resolve() == FOLDER.resolve() and total > MAX_BYTES:
        raise StoreError(
            f"{folder}: would hold {total / 1e6:.2f} MB of networks; expected at most "
            f"{MAX_BYTES / 1e6:g} MB, since they are part of the package. Train a smaller network, "
            "or write it elsewhere by --output."
        )
    return total


def _files_of(folder: Path, name: str) -> set[Path]:
    """Return all files of a network of this name that exist."""
    files = {folder / f"{name}{suffix}" for suffix in _SUFFIXES}
    return files | set(folder.glob(f"{name}-figures/*"))


def _remove_other_figures(folder: Path, name: str, written: Mapping[Path, bytes]) -> None:
    """Remove the figures of a network that was replaced."""
    for path in _files_of(folder, name) - written.keys():
        path.unlink()


def _load(checkpoint: Path) -> TrainedNetwork:
    """Return the network of a checkpoint; only one of roilab can be rebuilt anywhere.

    Raises:
        StoreError: it is of another kind, or of another package.
    """
    if checkpoint.suffix != ".ckpt":
        raise StoreError(
            f"{checkpoint}: is no checkpoint; expected the folder of a run, or a checkpoint in it."
        )
    try:
        network = load_network(checkpoint)
    except UntrustedError as error:
        raise StoreError(
            f"{checkpoint}: is a network of another package, which is not there wherever roilab "
            "is; expected a network of roilab."
        ) from error
    if network.recipe["data"].get("reader") is not None:
        raise StoreError(
            f"{checkpoint}: its frames were read by data.reader={network.recipe['data']['reader']}"
            "; expected a training with the readers of roilab."
        )
    return network


def _facts(checkpoint: Path, network: TrainedNetwork) -> TrainingFacts:
    """Return the facts of the training, with all evaluations in the folder of the run."""
    facts = network_facts(checkpoint, read_checkpoint(checkpoint), network.working_point)
    run_dir = run_of(checkpoint)
    results = {} if run_dir is None else read_run(run_dir).results
    return replace(facts, metrics=results.get("metrics") or facts.metrics, licence=_LICENCE)


def _describe(
    name: str, network: TrainedNetwork, weights: bytes, facts: TrainingFacts
) -> dict[str, Any]:
    """Return the contents of the JSON file."""
    point = network.working_point
    recipe = portable_recipe(network.recipe)
    metadata = network_metadata(network.recipe, point)
    metadata |= card_metadata(recipe, point, facts, facts.licence)
    about = {key: metadata[key] for key in ("network", "planes", "rebin", "mask_thresh")}
    about |= {"detector": metadata["detector"]}
    about |= {"parameters": sum(p.numel() for p in network.net.parameters())}
    return {
        "name": name,
        "about": about,
        "recipe": recipe,
        "working_point": point.plain(),
        "weights": {
            "file": f"{name}{SUFFIX}",
            "sha256": hashlib.sha256(weights).hexdigest(),
            "bytes": len(weights),
            "kernels": "float16",
        },
        "training": {**facts.plain(), "verdict": metadata["training"]["verdict"]},
        "licence": facts.licence,
    }


def portable_recipe(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a recipe rebuilds the network, without folders and simulations."""
    kept: dict[str, Any] = {key: recipe[key] for key in _PARTS if key in recipe}
    data = {k: v for k, v in kept["data"].items() if k not in ("simulation", "simulated_samples")}
    kept["data"] = {**data, "_target_": "roilab.data.RoiDataModule", **_PLACES}
    kept["model"] = {**kept["model"], "weights": None}
    if rule := kept.get("working_point"):  # of an older version, it can have other keys
        names = [one.name for one in fields(WorkingPointRule)]
        kept["working_point"] = {name: rule[name] for name in names if name in rule}
    portable: dict[str, Any] = _without_folders(kept)
    return portable


def _without_folders(value: Any) -> Any:
    """Return a copy with the last part of every path."""
    match value:
        case Mapping():
            return {key: _without_folders(item) for key, item in value.items()}
        case list() | tuple():
            return [_without_folders(item) for item in value]
        case str() if _PATH.match(value):
            return Path(value).name
    return value


def _of_run(run_dir: Path) -> dict[str, Any]:
    """Return other facts of the run, for those who train again."""
    run = read_run(run_dir)
    overrides = [
        text
        for text in run.status.get("overrides") or ()
        if not is_place(text.partition("=")[0].lstrip("+~")) and not _PATH.search(text)
    ]
    return {
        "epochs": run.results.get("epochs"),
        "overrides": overrides,
        "seconds": run.status.get("seconds"),
    }


def _card(network: TrainedNetwork, description: Mapping[str, Any], facts: TrainingFacts) -> str:
    recipe, point, weights = description["recipe"], network.working_point, description["weights"]
    metadata = network_metadata(recipe, point) | card_metadata(recipe, point, facts, facts.licence)
    return format_card(Card(recipe, point, metadata, facts, weights["file"], weights["sha256"]))


def _write(contents: Mapping[Path, bytes]) -> None:
    """Write all files under temporary names, then rename them, the weights last."""
    with ExitStack() as stack:
        partials = [stack.enter_context(atomic_write(file)) for file in contents]
        for partial, content in zip(partials, contents.values(), strict=True):
            partial.write_bytes(content)
