"""A changed bit in a network's file is an error, never another number."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from known_network import METADATA
from roilab.checksum import format_sums
from roilab.errors import RoilabError
from roilab.inference import CheckpointError, MetadataError, open_network, read_checkpoint
from roilab.models import WeightsError
from roilab.models.weights import read_weights
from roilab.wirecell.torchscript import (
    TorchScriptError,
    ignore_deprecation,
    load_torchscript,
    save_torchscript,
    script,
)

N_RANDOM = 250


def flipped(content: bytes, seed: int, places: list[int]) -> Any:
    """Yield the contents with one bit changed: at random places, and at those given."""
    rng = np.random.default_rng(seed)
    for place in [*places, *rng.integers(len(content), size=N_RANDOM)]:
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        yield bytes(damaged)


def check_flips(path: Path, read: Callable[[], Any], same: Callable[[Any], bool]) -> int:
    """Change bits of a file; return how many changes were found. The others change no number."""
    content, found = path.read_bytes(), 0
    places = [*range(64), *range(len(content) - 64, len(content))]
    for damaged in flipped(content, 1, places):
        path.write_bytes(damaged)
        got = message = None
        try:
            got = read()
        except RoilabError as error:
            message = str(error)
        if message is None:
            assert same(got)
            continue
        assert message.startswith(f"{path}: ")
        assert len(message) < 600
        found += 1
    for length in (0, 1, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(RoilabError):
            read()
    path.write_bytes(content)
    assert same(read())
    return found


@pytest.mark.filterwarnings("ignore:.*torchscript archive")
def test_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    weights = {"net.w": torch.randn(40, 50), "net.b": torch.randn(7)}
    recipe = {"model": {"name": "a"}, "data": {"threshold": 100.0}}
    torch.save({"roilab_recipe": recipe, "state_dict": weights}, path)

    def same(got: dict[str, Any]) -> bool:
        pairs = zip(got["state_dict"].values(), weights.values(), strict=True)
        return got["roilab_recipe"] == recipe and all(torch.equal(a, b) for a, b in pairs)

    found = check_flips(path, lambda: read_checkpoint(path), same)
    assert found > 0.8 * N_RANDOM  # the others lie between the records

    def same_weights(got: dict[str, torch.Tensor]) -> bool:
        return all(torch.equal(got[name], weight) for name, weight in weights.items())

    assert check_flips(path, lambda: read_weights(path), same_weights) > 0.8 * N_RANDOM


def test_a_flipped_weight_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    weight = torch.arange(1, 1001, dtype=torch.float32)
    torch.save({"roilab_recipe": {}, "state_dict": {"w": weight}}, path)
    content = bytearray(path.read_bytes())
    content[content.index(weight.numpy().tobytes()) + 403] ^= 0x40  # the exponent of 101
    path.write_bytes(content)
    loaded = torch.load(path, weights_only=True)["state_dict"]["w"]
    assert float(loaded[100]) < 1e-30  # torch alone does not compare
    with pytest.raises(CheckpointError, match="is damaged: its checksum does not fit"):
        read_checkpoint(path)
    with pytest.raises(WeightsError, match="is damaged"):
        read_weights(path)


class Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 1, 1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return (image * self.weight).sum(1, keepdim=True)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_torchscript(tmp_path: Path) -> None:
    path, module, image = tmp_path / "model.ts", Scale(), torch.randn(1, 3, 4, 4)
    save_torchscript(module, path, METADATA)

    def same(got: tuple[torch.nn.Module, dict[str, Any]]) -> bool:
        return torch.equal(got[0](image), module(image)) and got[1] == METADATA

    check_flips(path, lambda: load_torchscript(path), same)
    # With the checksums of an export beside it, every bit counts.
    (tmp_path / "SHA256SUMS").write_text(format_sums([("model.ts", path)]))
    found = check_flips(path, lambda: load_torchscript(path), same)
    assert found == N_RANDOM + 128
    check = ["sha256sum", "-c", "SHA256SUMS"]
    if shutil.which(check[0]):
        assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        (
            {"planes": ["V", "../x"]},
            "planes in its metadata is ['V', '../x']; expected a list of U",
        ),
        ({"channel_rebin": 0}, "channel_rebin"),
        ({"network": "a\n# b"}, "network"),
        ({"network": "$x_{$"}, "network"),
        ({"network": {"a": 1}}, "network"),
    ],
)
def test_metadata_that_make_no_sense(tmp_path: Path, metadata: dict[str, Any], reason: str) -> None:
    path = tmp_path / "model.ts"
    save_torchscript(Scale(), path, METADATA | metadata)
    with pytest.raises(MetadataError) as error:
        open_network(str(path))
    assert str(error.value).startswith(f"{path}: ")
    assert reason in str(error.value)


@pytest.mark.parametrize("text", ["{", "[1]", "3", "[" * 100_000])
def test_metadata_that_are_no_object(tmp_path: Path, text: str) -> None:
    path = tmp_path / "model.ts"
    with ignore_deprecation():
        torch.jit.save(script(Scale()), str(path), _extra_files={"roilab.json": text})
    with pytest.raises(TorchScriptError, match=r"model\.ts: its metadata roilab\.json is"):
        open_network(str(path))


def test_a_network_without_metadata_opens(tmp_path: Path) -> None:
    save_torchscript(Scale(), tmp_path / "other.ts")
    assert open_network(str(tmp_path / "other.ts")).name == "other"
