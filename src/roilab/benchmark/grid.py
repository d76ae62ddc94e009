"""The cells of a table: every combination of what is compared."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch

from roilab.benchmark.process import MeasurementError, check_system
from roilab.train.precision import choose_precision

PLAIN, FLOAT32, BF16 = "plain", "float32", "bf16"


@dataclass(frozen=True)
class Cell:
    """One line of the table.

    Attributes:
        network: its name.
        rebin: ticks per slice.
        nchunks: parts into which the node splits an image along its channels.
        precision: ``float32`` or ``bf16``.
        form: of the TorchScript file, a key of ``forms``.
    """

    network: str
    rebin: int
    nchunks: int
    precision: str
    form: str

    @property
    def file(self) -> tuple[str, int, str, str]:
        """What cells have in common that run the same TorchScript file."""
        return (self.network, self.rebin, self.precision, self.form)

    def __str__(self) -> str:
        return (
            f"{self.network}, rebin {self.rebin}, nchunks {self.nchunks}, {self.precision}, "
            f"{self.form}"
        )


def grid(config: Mapping[str, Any], networks: Sequence[str]) -> list[Cell]:
    """Every combination, once, in the order of the configuration.

    Args:
        config: ``rebin``, ``nchunks``, ``precision``, ``form`` (lists) and ``nchunks_of``, which
            gives a form other numbers of chunks.
        networks: their names.
    """
    chunks = {form: config["nchunks_of"].get(form) or config["nchunks"] for form in config["form"]}
    cells = [
        Cell(network, rebin, nchunks, precision, form)
        for network, rebin, precision, form in product(
            networks, config["rebin"], config["precision"], config["form"]
        )
        for nchunks in chunks[form]
    ]
    return list(dict.fromkeys(cells))


def check_cells(config: Mapping[str, Any], n_channels: int) -> None:
    """See that the cells can be measured, before anything is built or simulated.

    Raises:
        MeasurementError: not on this machine, or they make no sense.
    """
    check_system()
    for name in ("rebin", "nchunks", "precision", "form"):
        if not config[name]:
            raise MeasurementError(f"{name}=[]: names nothing to measure; name at least one.")
    _check_known("form", config["form"], config["forms"])
    _check_known("nchunks_of", config["nchunks_of"], config["forms"])
    _check_known("precision", config["precision"], (FLOAT32, BF16))
    named = {name: config[name] for name in ("rebin", "nchunks", "repeats", "events")}
    own = {f"nchunks_of.{form}": given for form, given in config["nchunks_of"].items() if given}
    for name, value in (named | own).items():
        numbers = value if isinstance(value, list) else [value]
        if any(not isinstance(number, int) or number < 1 for number in numbers):
            raise MeasurementError(f"{name}={value}: expected whole numbers from 1 on.")
    most = max(max(numbers) for numbers in (config["nchunks"], *own.values()))
    if most > n_channels:
        raise MeasurementError(
            f"nchunks={most}: the image has {n_channels} channels, and no more chunks than those; "
            f"choose 1 to {n_channels}."
        )
    _check_threads(config["threads"])
    _check_device(config["device"])
    if BF16 in config["precision"]:
        check_bf16(config["device"])


def check_bf16(device: str) -> None:
    """See that a device computes in bf16, rather than imitating it slowly.

    Raises:
        MeasurementError: it does not.
    """
    accelerator = "gpu" if device.startswith("cuda") else "cpu"
    chosen, reason = choose_precision(accelerator)
    if chosen != "bf16-mixed":
        raise MeasurementError(
            f"precision=bf16: {reason}, so it would only be slow here; choose "
            "precision=[float32], or measure on a machine that has it."
        )


def _check_known(name: str, given: Collection[str], known: Collection[str]) -> None:
    unknown = [value for value in given if value not in known]
    if unknown:
        raise MeasurementError(f"{name}: got '{unknown[0]}'; expected some of {', '.join(known)}.")


def _check_threads(threads: int | None) -> None:
    cores = os.cpu_count() or 1
    if threads is not None and not 1 <= threads <= cores:
        raise MeasurementError(
            f"threads={threads}: this machine has {cores} cores; choose 1 to {cores}, or null for "
            "what torch takes."
        )


def _check_device(device: str) -> None:
    kind = device.partition(":")[0]
    if kind not in ("cpu", "cuda"):
        raise MeasurementError(f"device={device}: expected cpu or cuda.")
    if kind == "cuda" and not torch.cuda.is_available():
        raise MeasurementError(
            f"device={device}: torch finds no GPU here; choose device=cpu, or run on a machine "
            "with a GPU and a torch that is built for it."
        )
