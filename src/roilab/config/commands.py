"""Tables of the keys of the root files in ``conf/``, by command."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roilab.config.combined_kinds import ByPlane, Each, Either, Free, ListOf, Null, Range, Section
from roilab.config.kinds import Choice, Flag, Number, Text, Whole
from roilab.config.limits import (
    COUNT,
    DEVICE,
    MONITOR,
    NOT_NEGATIVE,
    PAD_UNIT,
    PART,
    PLANE,
    PLANES,
    POSITIVE,
    SCAN_METRICS,
    SEED,
    SIZE,
    TAGS,
    TEST_METRICS,
    VALIDATION_METRICS,
)
from roilab.config.parts import Table
from roilab.config.path_kinds import File, Folder, Network
from roilab.config.simulation import SIMULATION

NETWORK = Network("checkpoint, TorchScript file, folder of a run or reference network")
WEIGHTS = Network("weights file, folder of a run or reference network")
NETWORKS = Null(Either(NETWORK, ListOf(kind=Network())))
# Folders of a run, made by Hydra; classes that the file of a network may name.
_RUN: Table = {"output_dir": Text(), "run_dir": Text(), "trust": ListOf(kind=Text())}
_NETWORK_SPEC: Table = {
    "layers": Null(TAGS),
    "rebin": Null(COUNT),
    "input_scale": Null(POSITIVE),
    "threshold": Null(NOT_NEGATIVE),
    "pad": Null(SIZE),
    "pad_unit": Null(PAD_UNIT),
    "mask_thresh": Null(PART),
}
# Words of the user for loggers; W&B allows 64 characters.
TAG_WORDS = ListOf(kind=Text(r".{1,64}", "a text of at most 64 characters"))
JOB = Section({name: Null(Text()) for name in ("group", "title", "command")})
_MASK_THRESH = Either(PART, Choice("choose"))
_WORKING_POINT = Section({
    "scan": ListOf(kind=PART, least=1),
    "by": Choice(*SCAN_METRICS),
    "min_roi_purity": PART,
    "min_pixel_purity": PART,
    "images": Null(COUNT),
})  # fmt: skip

_TRAIN: Table = {
    **_RUN,
    "seed": SEED,
    "resume": Null(Either(Choice("auto"), File())),
    "optimized_metric": Null(Choice(*VALIDATION_METRICS, *TEST_METRICS)),
    "resume_override": Flag(),
    "grace_s": NOT_NEGATIVE,
    "tags": TAG_WORDS,
    "job": JOB,
    "dry_run": Flag(),
    "report": Flag(),
    "sweep": Section({
        "dir": Text(),
        "resume": Null(Text()),
        "own_process": Null(Flag()),
    }),
    "model": Section({
        "name": Null(Text()),
        "net": Free(),
        "weights": Null(WEIGHTS),
        "mask_thresh": _MASK_THRESH,
        "channels_last": Flag(),
    }),
    "distill": Section({"teacher": Null(NETWORK), "share": PART}),
    "working_point": _WORKING_POINT,
    "scheduler": Section({
        "factory": Free(),
        "interval": Choice("epoch", "step"),
        "frequency": COUNT,
        "strict": Flag(),
        "monitor": MONITOR,
    }),
}  # fmt: skip


@dataclass(frozen=True)
class _Values(Section):
    """Values of a key in the space of a search: a list or an interval, which the search checks."""

    def read(self, value: Any, paths: bool) -> Any:
        return value


_SEARCH: Table = {
    **_TRAIN,
    "output_dir": Null(Text()),
    "search": Section({
        "space": Null(Each.of(_Values({name: Free() for name in ("low", "high", "log", "step")}))),
        "trials": COUNT,
        "objectives": ListOf(kind=Text(), least=1),
        "prune_by": Null(Text()),
        "seed": SIZE,
        "sampler": Free(),
        "pruner": Free(),
    }),
}  # fmt: skip

_EVALUATE: Table = {
    **_RUN,
    "tags": TAG_WORDS,
    "job": JOB,
    "network": Null(NETWORK),
    "sample": Either(Folder("folder of frames with a meta.json"), ListOf(kind=Folder(), least=1)),
    "planes": Null(PLANES),
    "device": DEVICE,
    "seed": SEED,
    "scan": ListOf(kind=PART),
    "working_point": _WORKING_POINT,
    "study": Section({
        "network": ListOf(kind=Network()),
        "rebin": ListOf(kind=COUNT),
        "threshold": ListOf(kind=NOT_NEGATIVE),
        "pad": ListOf(kind=SIZE),
        "pad_unit": ListOf(kind=PAD_UNIT),
        "widen": ListOf(kind=Flag()),
    }),
    "network_spec": Section({**_NETWORK_SPEC, "mask_thresh": Null(_MASK_THRESH)}),
}  # fmt: skip

_DISPLAY: Table = {
    **_RUN,
    "rec": File("frame file"),
    "tru": Null(Either(Choice("auto"), File())),
    "event": Null(Either(Choice("all"), SIZE, ListOf(kind=SIZE, least=1))),
    "max_events": COUNT,
    "apa": Null(SIZE),
    "plane": Null(PLANE),
    "network": NETWORKS,
    "names": ListOf(kind=Text()),
    "mask_thresh": ListOf(kind=PART),
    "device": DEVICE,
    "seed": SEED,
    "network_spec": Section(_NETWORK_SPEC),
}

_BENCHMARK: Table = {
    **_RUN,
    "network": NETWORKS,
    "models": Null(ListOf(kind=Text(), least=1)),
    "default_models": ListOf(kind=Text(), least=1),
    "rebin": ListOf(kind=COUNT, least=1),
    "nchunks": ListOf(kind=COUNT, least=1),
    "precision": ListOf(kind=Choice("float32", "bf16"), least=1),
    "variant": ListOf(kind=Text(), least=1),
    "nchunks_of": Each.of(Null(ListOf(kind=COUNT, least=1))),
    "variants": Each.of(Section({"settings": Free()})),
    "repeats": COUNT,
    "warmup": SIZE,
    "events": COUNT,
    "threads": Null(COUNT),
    "device": Choice("cpu", "cuda"),
    "sample": Null(Folder()),
    "theta_xz": Null(ListOf(kind=Number())),
    "mask_thresh": Null(ListOf(kind=PART)),
    "margin": NOT_NEGATIVE,
    "simulated_dir": Text(),
    "simulation": Section(SIMULATION),
    "seed": SEED,
    "segments": TAGS,
    "keep_frames": Flag(),
    "log": Null(File()),
    "log_segment": Text(),
}

_ROBUSTNESS: Table = {
    **_RUN,
    "network": Either(NETWORK, ListOf(kind=Network())),
    "only": Null(ListOf(kind=Text())),
    "variations": Each.of(Free()),
    "network_spec": Section(_NETWORK_SPEC),
    "simulation": Section(SIMULATION),
    "processes": COUNT,
    "device": DEVICE,
    "seed": SEED,
}

_CONTAINER = Choice(
    *("h5", "hdf5", "npz", "zip", "tar", "tar.gz", "tgz", "tar.bz2", "tbz2", "tar.xz", "txz")
)
_PREDICT: Table = {
    **_RUN,
    "network": NETWORK,
    "frames": Either(Text(), ListOf(kind=Text(), least=1)),  # patterns too
    "in_folder": Text(),
    "planes": Null(PLANES),
    "apas": Null(ListOf(kind=SIZE, least=1)),
    "container": _CONTAINER,
    "num_workers": COUNT,
    "device": DEVICE,
    "seed": SEED,
    "network_spec": Section(_NETWORK_SPEC),
}

_CONVERT: Table = {
    "frames": Either(Text(), ListOf(kind=Text(), least=1)),  # patterns too
    "in_folder": Text(),
    "reader": Free(),
    "output_dir": Text(),
    "container": _CONTAINER,
    "tags": Null(TAGS),
    "apas": Null(ListOf(kind=SIZE, least=1)),
    "planes": Null(PLANES),
    "tick_range": Null(Range()),
    "tick0_ns": Null(Number()),
    "events": Null(ListOf(kind=Whole(), least=1)),
    "events_per_file": Null(COUNT),
    "name": Text(r"[^/]+", "a name without folders"),
    "first_event": Null(SIZE),
}

COMMANDS: Mapping[str, Table] = {
    "train": _TRAIN,
    "robustness": _ROBUSTNESS,
    "search": _SEARCH,
    "evaluate": _EVALUATE,
    "display": _DISPLAY,
    "benchmark": _BENCHMARK,
    "predict": _PREDICT,
    "convert": _CONVERT,
    "export": {**_RUN, "network": Either(NETWORK, ByPlane(NETWORK))},
    "prepare": {"output_dir": Text(), "num_workers": SIZE, "seed": SEED},
    "simulate": {
        "output_dir": Text(),
        "output": Choice("frames", "depos"),
        "processes": Whole(low=1),
        "simulation": Section(SIMULATION),
    },
}


def unused_keys(command: str) -> set[str]:
    """Return keys that a command does not check: of ``data`` most take only the detector."""
    return set() if command in ("train", "search", "prepare") else {"data.dir"}


def unresolved_part(command: str) -> str | None:
    """Return the part whose references may lead nowhere, as the command may not need it.

    A benchmark of a user's frames simulates nothing, and a detector that only reads frames has no
    geometry.
    """
    return "simulation" if command == "benchmark" else None
