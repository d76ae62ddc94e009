"""Cells of the table: all combinations of the compared settings."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch

from roilab.benchmark.process import MeasurementError, resident_mb
from roilab.train.precision import choose_precision

PLAIN, FLOAT32, BF16 = "plain", "float32", "bf16"


@dataclass(frozen=True)
class BenchmarkCell:
    """One combination of settings of ``conf/benchmark.yaml``: a line of the table."""

    network: str
    rebin: int
    nchunks: int
    precision: str
    variant: str

    @property
    def file(self) -> tuple[str, int, str, str]:
        """Settings of the TorchScript file; equal for all cells that run the same file."""
        return (self.network, self.rebin, self.precision, self.variant)

    def __str__(self) -> str:
        return (
            f"{self.network}, rebin {self.rebin}, nchunks {self.nchunks}, {self.precision}, "
            f"{self.variant}"
        )


def grid(config: Mapping[str, Any], networks: Sequence[str]) -> list[BenchmarkCell]:
    """Return all combinations without duplicates, in the order of the configuration.

    Args:
        config: composed from ``conf/benchmark.yaml``.
        networks: names of the networks.
    """
    cells = [
        BenchmarkCell(network, rebin, nchunks, precision, variant)
        for network, rebin, precision, variant in product(
            networks, config["rebin"], config["precision"], config["variant"]
        )
        for nchunks in config["nchunks_of"].get(variant) or config["nchunks"]
    ]
    return list(dict.fromkeys(cells))


def check_cells(config: Mapping[str, Any], n_channels: int) -> None:
    """Check that the cells can be measured, before anything is built or simulated.

    Raises:
        MeasurementError: a setting is wrong, or this machine cannot measure it.
    """
    resident_mb()  # fails where the system does not report memory
    for name in ("rebin", "nchunks", "precision", "variant"):
        if not config[name]:
            raise MeasurementError(f"{name}=[]: names nothing to measure; name at least one.")
    _check_known("variant", config["variant"], config["variants"])
    _check_known("nchunks_of", config["nchunks_of"], config["variants"])
    _check_known("precision", config["precision"], (FLOAT32, BF16))
    named = {name: config[name] for name in ("rebin", "nchunks", "repeats", "events")}
    named_of = {f"nchunks_of.{key}": value for key, value in config["nchunks_of"].items() if value}
    for name, value in (named | named_of).items():
        numbers = value if isinstance(value, list) else [value]
        if any(not isinstance(number, int) or number < 1 for number in numbers):
            raise MeasurementError(f"{name}={value}: expected integers of at least 1.")
    most = max(max(numbers) for numbers in (config["nchunks"], *named_of.values()))
    if most > n_channels:
        raise MeasurementError(
            f"nchunks={most}: the image has {n_channels} channels and cannot be split into more "
            f"chunks; choose 1 to {n_channels}."
        )
    _check_threads(config["threads"])
    _check_device(config["device"])
    if BF16 in config["precision"]:
        _check_bf16(config["device"])


def _check_bf16(device: str) -> None:
    """Check that a device has instructions for bf16 and does not emulate it slowly."""
    accelerator = "gpu" if device.startswith("cuda") else "cpu"
    chosen, reason = choose_precision(accelerator)
    if chosen != "bf16-mixed":
        raise MeasurementError(
            f"precision=bf16: {reason}, so it would only be slow here; choose "
            "precision=[float32], or measure on a machine that computes in bf16."
        )


def _check_known(name: str, values: Collection[str], known: Collection[str]) -> None:
    unknown = [value for value in values if value not in known]
    if unknown:
        raise MeasurementError(f"{name}: got '{unknown[0]}'; expected some of {', '.join(known)}.")


def _check_threads(threads: int | None) -> None:
    cores = os.cpu_count() or 1
    if threads is not None and not 1 <= threads <= cores:
        raise MeasurementError(
            f"threads={threads}: this machine has {cores} cores; choose 1 to {cores}, or null for "
            "torch's choice."
        )


def _check_device(device: str) -> None:
    kind = device.partition(":")[0]
    if kind not in ("cpu", "cuda"):
        raise MeasurementError(f"device={device}: expected cpu or cuda.")
    if kind == "cuda" and not torch.cuda.is_available():
        raise MeasurementError(
            f"device={device}: torch finds no GPU here; choose device=cpu, or run on a machine "
            "with a GPU and a torch built for it."
        )
