"""Exports in 8-bit integers."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_export import NO_BOUND, build

from roilab.errors import RoilabError
from roilab.export.forms import try_export
from roilab.export.network_files import export_network
from roilab.export.parity import ParityError, compare_on_images, random_image
from roilab.export.quantized_network import QuantizedNetwork
from roilab.export.settings import ExportError
from roilab.inference import RoiProbability, TrainedNetwork
from roilab.wirecell.torchscript import load_torchscript

TINY = {"u": {"channels": 48}, "v": {"channels": 48}, "w": {"channels": 64}, "nticks": 480}
INT8 = replace(NO_BOUND, precision="int8", calibration="set by the test")


@pytest.fixture
def network() -> TrainedNetwork:
    found = build("unet", "data.planes=[V]")
    found.recipe["data"]["detector"] = TINY
    return found.eval()


def images(number: int, height: int = 64, width: int = 96) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(number)
    return [random_image(3, height, width, generator) for _ in range(number)]


def test_calibrated_on_frames(network: TrainedNetwork, frames_dir: Path, tmp_path: Path) -> None:
    settings = replace(INT8, calibration=str(frames_dir))
    written = export_network(network, tmp_path / "8" / "model.ts", settings)["export"]
    export_network(network, tmp_path / "32" / "model.ts", NO_BOUND)
    assert (written["form"], written["precision"]) == ("int8", "int8")
    assert (written["parity_measure"], written["parity_limit"]) == ("mean", 0.01)
    assert list(written["parity"]) == ["48x120"]  # of frames, not of random images
    assert 0 < written["parity"]["48x120"] <= 0.01
    assert written["changed_mask_pixels"] is None  # the random network marks nothing
    module, inside = load_torchscript(tmp_path / "8" / "model.ts")
    assert inside["export"]["precision"] == "int8"
    with torch.no_grad():
        for height, width in ((48, 120), (75, 131), (90, 70)):
            image = images(1, height, width)[0]
            got, expected = module(image), RoiProbability(network)(image)
            assert got.shape == expected.shape
            assert got.dtype == torch.float32
            assert got.is_contiguous()
            assert float((got - expected).abs().mean()) < 0.01
            assert float((got - expected).abs().max()) > 0


def test_weights_are_bytes(network: TrainedNetwork) -> None:
    quantized = QuantizedNetwork(network, images(2))
    names = [type(part).__module__ for part in quantized.modules() if hasattr(part, "weight")]
    in_bytes = [name for name in names if "quantized" in name]
    assert len(in_bytes) == len(names) - 2 == 17  # all but the first and the last one


def test_differences_by_hand() -> None:
    one, two = torch.zeros(1, 1, 2, 5), torch.ones(1, 1, 2, 5)
    two[..., 0] = 0.99
    shifted = {0: one + 0.005, 1: two - 0.005}
    given = [one, two]
    parity, changed = compare_on_images(
        torch.nn.Identity(), lambda image: shifted[int(image.max() > 0)], given, 0.99, "file"
    )
    assert parity.differences == {"2x5": pytest.approx(0.005)}
    assert changed == 0  # of 8 marked pixels: 0.995 is above the threshold
    _, changed = compare_on_images(
        torch.nn.Identity(), lambda image: shifted[int(image.max() > 0)], given, 0.987, "file"
    )
    assert changed == pytest.approx(2 / 10)
    with pytest.raises(ParityError, match=r"file: not written: at 2 x 5"):
        compare_on_images(torch.nn.Identity(), lambda image: image + 0.02, given, 0.5, "file")


def test_is_tried_before_the_training(network: TrainedNetwork) -> None:
    assert try_export(network, INT8).form == "int8"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"calibration": None}, r"give a folder like that of the training, export\.calibration"),
        ({"calibration": "absent"}, "absent"),
        ({"format": "onnx"}, "onnx"),
    ],
)
def test_mistakes(
    network: TrainedNetwork, tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    with pytest.raises(RoilabError, match=message):
        export_network(network, tmp_path / "model.ts", replace(INT8, **changes))  # type: ignore[arg-type]
    assert not list(tmp_path.glob("model*"))


def test_a_network_that_cannot_be_quantized(tmp_path: Path) -> None:
    class Sizes(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, :1] if x.shape[2] > 10 else x[:, 1:2]

    network = build("unet")
    network.net = Sizes()  # type: ignore[assignment]
    with pytest.raises(ExportError, match=r"Sizes cannot be computed in 8-bit integers .*float32"):
        try_export(network.eval(), INT8)
