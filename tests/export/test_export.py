"""Exported files: the contract of WCT's DNNROIFinding, parity, memory, and user errors."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from torch import nn

from composing import composed
from roilab import versions
from roilab.benchmark.export_variants import trace_probability
from roilab.config import ConfigError
from roilab.export.network_files import export_network
from roilab.export.parity import ParityError, PrecisionError
from roilab.export.settings import ExportError, ExportSettings
from roilab.inference import CheckpointError, RoiProbability, TrainedNetwork, load_network
from roilab.inference import metadata as inference_metadata
from roilab.wirecell import node_jsonnet
from roilab.wirecell.torchscript import TorchScriptError, load_torchscript

NO_BOUND = ExportSettings(
    precision="float32", calibration=None, max_memory_mb=None, format="torchscript", licence=None
)
FILES = ["README.md", "SHA256SUMS", "dnnroi.jsonnet", "model.json", "model.ts"]


def build(name: str, *more: str) -> TrainedNetwork:
    """Build a network for plane V of ProtoDUNE-HD; one that is not small for a part of it."""
    small = ["model.net.encoder_widths=[4,8,8,8,8]", "model.net.decoder_widths=[8,8,4,4]"]
    part = ["data.channel_range=[800,960]", "data.tick_range=[0,800]"]
    overrides = [f"model={name}", "data=pdhd", "data.dir=d", "run_dir=o", "data.rebin=4"]
    overrides += small if name == "unet" else part
    config = composed("train", [*overrides, *more])
    torch.manual_seed(3)
    recipe = OmegaConf.to_container(config, resolve=True)
    assert isinstance(recipe, dict)
    return TrainedNetwork(recipe)  # type: ignore[arg-type]


@pytest.fixture(params=["unet", "mobilenetv3"])
def module(request: pytest.FixtureRequest) -> TrainedNetwork:
    return build(request.param)


@pytest.mark.usefixtures("optimised")
def test_contract(module: TrainedNetwork, tmp_path: Path) -> None:
    written = export_network(module, tmp_path / "model.ts", NO_BOUND)
    loaded, inside = load_torchscript(tmp_path / "model.ts")
    assert written == json.loads((tmp_path / "model.json").read_text())
    parity = {key: written["export"].pop(key) for key in list(written["export"]) if "parity" in key}
    assert inside == written  # saved before it was compared
    # The third is the image of the recipe, 800 x 1500 or 160 x 200, at most 800 x 600.
    largest = "800x600" if inside["network"] == "UNet" else "160x200"
    assert list(parity["parity"]) == ["64x96", "75x131", largest]
    assert 0 <= max(parity["parity"].values()) <= parity["parity_limit"] == 1e-5
    assert parity["parity_measure"] == "max"
    assert inside["rebin"] == inside["tick_per_slice"] == 4
    assert inside["intags"] == ["loose_lf%d", "mp2_roi%d", "mp3_roi%d"]
    assert (inside["plane"], inside["sort_chanids"], inside["n_layers"]) == (1, True, 3)
    image = torch.randn(1, 3, 90, 70)
    with torch.no_grad():
        full = loaded(image)
        # The node may split the image along its channels, so any number of rows must work.
        chunks = [loaded(chunk) for chunk in torch.chunk(image, 2, dim=2)]
    assert full.shape == torch.cat(chunks, dim=2).shape == (1, 1, 90, 70)
    assert full.dtype == torch.float32
    assert full.is_contiguous()
    assert 0 <= float(full.min()) < float(full.max()) <= 1
    torch.testing.assert_close(full, RoiProbability(module)(image), atol=1e-5, rtol=0)
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES


@pytest.mark.parametrize("max_memory_mb", [305.0, 1.0])
def test_a_bound_on_memory_changes_nothing_else(tmp_path: Path, max_memory_mb: float) -> None:
    module = build("unet", "data.rebin=40")
    settings = replace(NO_BOUND, max_memory_mb=max_memory_mb)
    written = export_network(module, tmp_path / "model.ts", settings)
    assert written["export"]["steps_in_bands"] > 0
    assert list(written["export"]["parity"]) == ["64x96", "75x131", "800x150"]
    image = torch.randn(1, 3, 800, 150)
    with torch.no_grad():
        got = load_torchscript(tmp_path / "model.ts")[0](image)
        torch.testing.assert_close(got, RoiProbability(module)(image), atol=1e-5, rtol=0)


def test_warns_of_a_bound_that_cannot_be_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = replace(NO_BOUND, max_memory_mb=1.0)
    written = export_network(build("mobilenetv3"), tmp_path / "model.ts", settings)
    assert written["network"] == "MobileNetV3-UNet"
    assert written["export"]["expected_memory_mb"] > 300  # the libraries
    assert "export.max_memory_mb=1: this network needs about" in caplog.text


def test_layer_normalization_and_bf16(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Also on a CPU without bf16, which computes the same, only slower.
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    module = build("unet", "data.normalization=layer")
    module.normalization.set_statistics(torch.tensor([1.0, 2, 3]), torch.tensor([2.0, 4, 8]))
    export_network(module, tmp_path / "f" / "model.ts", NO_BOUND)
    bf16 = replace(NO_BOUND, precision="bf16")
    written = export_network(module, tmp_path / "b" / "model.ts", bf16)
    assert written["export"]["precision"] == "bf16"
    assert (written["export"]["parity_measure"], written["export"]["parity_limit"]) == (
        "mean",
        0.01,
    )
    image = 5 * torch.randn(1, 3, 75, 131)
    with torch.no_grad():
        expected = RoiProbability(module)(image)
        exact = load_torchscript(tmp_path / "f" / "model.ts")[0](image)
        half, _ = load_torchscript(tmp_path / "b" / "model.ts")
        rounded = half(image)
    torch.testing.assert_close(exact, expected, atol=1e-5, rtol=0)
    assert rounded.dtype == torch.float32
    assert 0 < float((rounded - expected).abs().max()) < 0.02
    dtypes = {name: p.dtype for name, p in half.named_parameters()}
    kept = {name.rsplit(".", 1)[-1] for name, d in dtypes.items() if d == torch.float32}
    assert kept == {"mean", "width"}


def test_plain_trace_computes_the_same(module: TrainedNetwork) -> None:
    image = torch.randn(1, 3, 90, 70)
    with torch.no_grad():
        expected = RoiProbability(module.eval())(image)
        torch.testing.assert_close(trace_probability(module)(image), expected, atol=1e-5, rtol=0)


class _Shifted(nn.Module):
    """Adds an offset, so that it differs from the exported network."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.net(image) + 1e-3


def test_a_difference_is_found_and_nothing_written(
    tmp_path: Path, module: TrainedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    probability = RoiProbability(module)
    probability.net = _Shifted(module.net)
    monkeypatch.setattr(
        "roilab.export.network_files.RoiProbability", lambda module: probability.eval()
    )
    with pytest.raises(ParityError, match=r"not written: at 64 x 96 .* differs by .* at channel"):
        export_network(module, tmp_path / "model.ts", NO_BOUND)
    assert list(tmp_path.iterdir()) == []


def test_a_network_may_differ_by_its_own_rounding(
    tmp_path: Path, module: TrainedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roilab.export.parity._LIMIT", 1e-9)  # below the rounding of float32
    written = export_network(module, tmp_path / "model.ts", NO_BOUND)["export"]
    assert 1e-9 < max(written["parity"].values()) <= written["parity_limit"] < 1e-5


def test_overwrites_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("mine")
    with pytest.raises(ExportError, match=r"holds model\.json already; nothing is overwritten"):
        export_network(build("unet"), tmp_path / "model.ts", NO_BOUND)
    assert (tmp_path / "model.json").read_text() == "mine"
    export_network(build("unet"), tmp_path / "model.ts", NO_BOUND, overwrite=True)
    assert json.loads((tmp_path / "model.json").read_text())["n_layers"] == 3


def test_a_machine_without_bf16(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    with pytest.raises(PrecisionError, match="this CPU has no instructions for bf16"):
        export_network(build("unet"), tmp_path / "model.ts", replace(NO_BOUND, precision="bf16"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"precision": "fp16"}, "precision=fp16: expected one of float32, bf16"),
        ({"format": "pb"}, "format=pb: expected one of torchscript, onnx"),
        ({"max_memory_mb": 0}, "max_memory_mb=0: expected a number above 0"),
    ],
)
def test_settings_that_make_no_sense(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(NO_BOUND, **wrong)  # type: ignore[arg-type]


def test_onnx_without_its_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roilab.export.onnx.find_spec", lambda name: None)
    with pytest.raises(ExportError, match=r"needs onnx, onnxscript, onnxruntime; pip install"):
        export_network(build("unet"), tmp_path / "model.onnx", replace(NO_BOUND, format="onnx"))


@pytest.mark.parametrize("name", ["unet", pytest.param("mobilenetv3", marks=pytest.mark.slow)])
def test_onnx(tmp_path: Path, name: str) -> None:
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason=f"{package} (extra onnx) is not installed")
    export_network(build(name), tmp_path / "model.onnx", replace(NO_BOUND, format="onnx"))
    # No configuration of a node that cannot run the file.
    assert {path.name for path in tmp_path.iterdir()} == {
        "model.onnx",
        "model.json",
        "README.md",
        "SHA256SUMS",
    }
    assert "jsonnet" not in (tmp_path / "README.md").read_text()


def checkpoint(module: TrainedNetwork, path: Path, **changes: object) -> Path:
    state = {"state_dict": module.state_dict(), "roilab_recipe": module.recipe, "epoch": 3}
    torch.save({**state, "roilab_version": "0.0.1", **changes}, path)
    return path


def test_checkpoints_of_another_version(tmp_path: Path) -> None:
    module = build("unet")
    recipe = {k: v for k, v in module.recipe.items() if k != "model"}
    for changes in ({"state_dict": {}}, {"roilab_recipe": recipe}):
        path = checkpoint(module, tmp_path / "x.ckpt", **changes)
        with pytest.raises(CheckpointError, match=r"written by roilab 0\.0\.1, cannot be loaded"):
            load_network(path)


def test_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from roilab.export.__main__ import main

    (tmp_path / "run" / "pictures").mkdir(parents=True)
    (tmp_path / "run" / "pictures" / "loss.png").write_bytes(b"png")
    (tmp_path / "run" / "checkpoints").mkdir()
    path = checkpoint(build("unet"), tmp_path / "run" / "checkpoints" / "best.ckpt")
    out = tmp_path / "out"
    arguments = [f"network={path}", f"output_dir={out}", "export.max_memory_mb=354"]
    monkeypatch.setattr(sys, "argv", ["roilab.export", *arguments])
    main()
    assert f"model      {out}/model.ts" in capsys.readouterr().out
    assert sorted(p.name for p in out.glob("[!.]*")) == sorted([*FILES, "anode.jsonnet", "figures"])
    card = (out / "README.md").read_text()
    assert "UNet for ROI finding, plane V" in card
    assert "![pictures-loss](figures/pictures-loss.png)" in card
    assert "after epoch 4 |" in card
    assert "800 channels x 1500 slices" in card
    with pytest.raises(SystemExit):
        main()
    assert "nothing is overwritten" in capsys.readouterr().err


def test_jsonnet_gives_complete_nodes(tmp_path: Path) -> None:
    jsonnet = pytest.importorskip("_jsonnet", reason="the package jsonnet is not installed")
    written = export_network(build("unet"), tmp_path / "model.ts", NO_BOUND)
    library = tmp_path / "dnnroi.jsonnet"
    assert json.loads(jsonnet.evaluate_file(str(library))) == written
    anode = '{type: "AnodePlane", name: "apa3", data: {ident: 3}}'
    nodes = json.loads(
        jsonnet.evaluate_snippet(
            "job", f"(import '{library}').nodes({anode}, 3, 1, model='a/model.ts', device='gpu')"
        )
    )
    service, roi = nodes["service"], nodes["roi"]
    assert service["type"] == "TorchService"
    assert service["data"] == {"model": "a/model.ts", "device": "gpu"}
    assert (roi["type"], roi["name"]) == ("DNNROIFinding", "roilab3v")
    assert roi["data"] == {
        "anode": "AnodePlane:apa3",
        "plane": 1,
        "intags": ["loose_lf3", "mp2_roi3", "mp3_roi3"],
        "decon_charge_tag": "decon_charge3",
        "summary_tag": "",
        "outtag": "dnnsp3v",
        "forward": f"TorchService:{service['name']}",
        "sort_chanids": True,
        "input_scale": 1 / 4000,
        "input_offset": 0,
        "mask_thresh": 0.5,
        "nticks": 6000,
        "tick_per_slice": 4,
        "tick_pad_multiple": 4,
        "nchunks": 1,
    }
    call = f"(import '{library}').nodes({anode}, 3, 1, summary_tag='wiener3').roi.data.summary_tag"
    assert json.loads(jsonnet.evaluate_snippet("job", call)) == "wiener3"
    with pytest.raises(RuntimeError, match="made for plane 1, not for 2"):
        jsonnet.evaluate_snippet("job", f"(import '{library}').nodes('AnodePlane:a', 3, 2)")


def test_a_network_of_two_planes_is_configured_for_both() -> None:
    network = build("unet", "data.planes=[U,V]")
    metadata = inference_metadata.network_metadata(network.recipe, network.working_point)
    assert metadata["plane"] == [0, 1]
    assert "local planes" in node_jsonnet(metadata, "model.ts")


def test_files_that_are_no_torchscript(tmp_path: Path) -> None:
    (tmp_path / "model.ts").write_text("text")
    for name in ("model.ts", "absent.ts"):
        with pytest.raises(TorchScriptError, match=f"{name}: cannot be loaded"):
            load_torchscript(tmp_path / name)


def test_commit_is_that_of_the_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(versions, "__file__", str(tmp_path / "a" / "b" / "versions.py"))
    assert versions.git_commit() is None
