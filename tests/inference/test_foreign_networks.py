"""Networks of other origin are refused before a wrong mask is made."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import roilab
from known_network import METADATA
from roilab.errors import RoilabError
from roilab.inference import network_spec, open_network
from roilab.wirecell.torchscript import ignore_deprecation, save_torchscript

LAYERS = ["loose_lf", "mp2_roi", "mp3_roi"]


class TwoClasses(nn.Module):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.softmax(torch.cat([1 - image[:, :1], image[:, :1]], 1), 1)


class Logits(nn.Module):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return 8 * image[:, :1] - 4


class FourLayers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 1, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.conv(image))


class TwoOutputs(nn.Module):
    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.sigmoid(image[:, :1]), image


class HalfSize(nn.Module):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(image[:, :1, ::2, ::2])


class Undefined(nn.Module):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.sqrt(-1 - image[:, :1] ** 2)


class OneSize(nn.Module):
    """Takes images of 48 x 48 only; logits appear where charge is high."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image[:, :1].reshape(1, 1, 48, 48) * 40


class Wrapped(nn.Module):
    """What the message tells to do."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.network(image), dim=1)[:, 1:]


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (TwoClasses(), r"returns the shape \(1, 2, 64, 64\) .* softmax\(dim=1\)\[:, 1:\]"),
        (Logits(), "returns values from -4.* to .*; expected ROI prob.* torch.sigmoid"),
        (FourLayers(), r"takes 4 layers, not the 3 given \(loose_lf, mp2_roi, mp3_roi\)"),
        (TwoOutputs(), "returns tuple; expected one tensor"),
        (HalfSize(), r"returns the shape \(1, 1, 32, 32\) .*; expected \(1, 1, 64, 64\)"),
        (Undefined(), "returns values from nan to nan"),
    ],
)
@pytest.mark.parametrize("metadata", [METADATA, None])
def test_refused_when_loaded(
    tmp_path: Path, module: nn.Module, words: str, metadata: dict[str, Any] | None
) -> None:
    path = tmp_path / "foreign.ts"
    given = {} if metadata else {"layers": LAYERS, "rebin": 10}
    if metadata:
        save_torchscript(module, path, metadata)
    else:
        with ignore_deprecation():
            torch.jit.save(torch.jit.script(module), str(path))
    with pytest.raises(RoilabError, match=rf"foreign\.ts: {words}") as error:
        roilab.load(path, **given)
    assert "\n" not in str(error.value)


def test_the_advice_helps(tmp_path: Path) -> None:
    save_torchscript(Wrapped(TwoClasses()), tmp_path / "wrapped.ts", METADATA)
    image = torch.zeros(1, 3, 5, 7)
    output = roilab.load(tmp_path / "wrapped.ts").probability(image)
    assert output.shape == (1, 1, 5, 7)


def test_network_of_one_size_is_checked_when_it_runs(tmp_path: Path) -> None:
    save_torchscript(OneSize(), tmp_path / "one.ts", METADATA)
    probability = roilab.load(tmp_path / "one.ts").probability
    assert probability(torch.zeros(1, 3, 48, 48)).shape == (1, 1, 48, 48)
    with pytest.raises(RoilabError, match=r"returns values from 40 to 40"):
        probability(torch.ones(1, 3, 48, 48))
    with pytest.raises(RoilabError, match=r"one.ts: fails on an image of 3 x 9 x 9"):
        probability(torch.ones(1, 3, 9, 9))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", r"its metadata roilab\.json is not JSON"),
        ("[1]", r"its metadata roilab\.json is list; expected names with values"),
    ],
)
def test_damaged_metadata(tmp_path: Path, text: str, words: str) -> None:
    content = io.BytesIO()
    with ignore_deprecation():
        torch.jit.save(torch.jit.script(Logits()), content, _extra_files={"roilab.json": text})
    (tmp_path / "m.ts").write_bytes(content.getvalue())
    with pytest.raises(RoilabError, match=words):
        open_network(str(tmp_path / "m.ts"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rebin": 0}, "m.ts: rebin is 0; expected an integer of at least 1"),
        ({"rebin": "ten"}, "m.ts: rebin is 'ten'"),
        ({"rebin": 2.5}, "m.ts: rebin is 2.5"),
        ({"mask_thresh": 1.5}, "m.ts: mask_thresh is 1.5; expected a number from 0 to 1"),
        ({"input_scale": float("nan")}, "m.ts: input_scale is nan; expected a number other than 0"),
        ({"pad": -1}, "m.ts: pad is -1; expected an integer of at least 0"),
        ({"pad_unit": "slices"}, "m.ts: pad_unit is 'slices'; expected bins or ticks"),
        ({"layers": "loose_lf"}, "m.ts: layers is 'loose_lf'; expected a list of tags"),
        ({"layers": []}, r"m.ts: layers is \[\]; expected a list of tags"),
        ({"truth_threshold": "low"}, "m.ts: threshold is 'low'"),
    ],
)
def test_metadata_out_of_range(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    save_torchscript(Wrapped(TwoClasses()), tmp_path / "m.ts", {**METADATA, **changes})
    with pytest.raises(RoilabError, match=words):
        roilab.load(tmp_path / "m.ts")


def test_settings_of_the_user(tmp_path: Path) -> None:
    save_torchscript(Wrapped(TwoClasses()), tmp_path / "m.ts", METADATA)
    with pytest.raises(RoilabError, match=r"^rebin is -1; expected an integer of at least 1"):
        roilab.load(tmp_path / "m.ts", rebin=-1)
    with pytest.raises(RoilabError, match=r"load has no argument 'rebins'; did you mean 'rebin'"):
        roilab.load(tmp_path / "m.ts", rebins=4)
    assert json.dumps(roilab.load(tmp_path / "m.ts", rebin=4).node.tick_per_slice) == "4"


def test_scale_of_the_input_must_be_known(tmp_path: Path) -> None:
    metadata = {key: value for key, value in METADATA.items() if key != "input_scale"}
    save_torchscript(Wrapped(TwoClasses()), tmp_path / "m.ts", metadata)
    file = open_network(str(tmp_path / "m.ts"))
    keys = ("layers", "rebin", "input_scale", "mask_thresh", "threshold", "pad", "pad_unit")
    with pytest.raises(RoilabError, match=r"m.ts: has no input_scale .*input_scale=0.00025"):
        network_spec(file, dict.fromkeys(keys), {})
    # In a notebook the scale of conf/data is taken, that of WCT.
    assert roilab.load(tmp_path / "m.ts").node.input_scale == 1 / 4000
