"""What WCT's DNNROIFinding asks of the file it loads."""

import json
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch import nn

from roilab import export
from roilab.cli import config_dir
from roilab.export import ParityError, export_torchscript
from roilab.module import RoiModule, build_module
from roilab.torchscript import TorchScriptError, load_torchscript


@pytest.fixture(params=["unet", "mobilenetv3"])
def module(request: pytest.FixtureRequest) -> RoiModule:
    small = {"unet": ["model.net.encoder_widths=[4,8,8,8,8]", "model.net.decoder_widths=[8,8,4,4]"]}
    overrides = [f"model={request.param}", "data.dir=d", "run_dir=o", "data.rebin=4"]
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose("train", overrides + small.get(request.param, []))
    torch.manual_seed(3)
    recipe = OmegaConf.to_container(config, resolve=True)
    assert isinstance(recipe, dict)
    return build_module(recipe)  # type: ignore[arg-type]


def test_contract(module: RoiModule, tmp_path: Path) -> None:
    metadata = export_torchscript(module, tmp_path / "model.ts")
    loaded, inside = load_torchscript(tmp_path / "model.ts")
    assert inside == metadata == json.loads((tmp_path / "model.json").read_text())
    assert inside["rebin"] == 4
    image = torch.randn(1, 3, 90, 70)
    with torch.no_grad():
        whole = loaded(image)
        # The node may split the image along its channels: any number of rows must do.
        chunks = [loaded(chunk) for chunk in torch.chunk(image, 2, dim=2)]
    assert whole.shape == torch.cat(chunks, dim=2).shape == (1, 1, 90, 70)
    assert whole.dtype == torch.float32
    assert whole.is_contiguous()
    assert 0 <= float(whole.min()) < float(whole.max()) <= 1
    torch.testing.assert_close(whole, module(image).sigmoid(), atol=1e-5, rtol=0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "model.ts"]


class _OtherWhenScripted(nn.Module):
    """Computes something else in TorchScript than in eager mode."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        offset = 0.0 if torch.jit.is_scripting() else 1e-3
        return image.sum(1, keepdim=True) + offset


def test_a_difference_is_found_and_nothing_written(tmp_path: Path, module: RoiModule) -> None:
    module.net = _OtherWhenScripted()
    with pytest.raises(ParityError, match=r"not written: at 64 x 96 .* differs by .* at channel"):
        export_torchscript(module, tmp_path / "model.ts")
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_no_torchscript(tmp_path: Path) -> None:
    (tmp_path / "model.ts").write_text("text")
    for name in ("model.ts", "absent.ts"):
        with pytest.raises(TorchScriptError, match=f"{name}: cannot be loaded"):
            load_torchscript(tmp_path / name)


def test_commit_is_that_of_the_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(export, "__file__", str(tmp_path / "a" / "b" / "export.py"))
    assert export.git_commit() is None
