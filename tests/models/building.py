"""Build networks of conf/model as the command line does."""

from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from composing import composed
from roilab.entry_point import config_dir
from roilab.models import RoiNetwork

OmegaConf.register_new_resolver("count", len, replace=True)
NETWORKS = sorted(p.stem for p in Path(config_dir(), "model").glob("*.yaml") if p.stem != "base")


def build(name: str, *overrides: str, seed: int = 0) -> RoiNetwork:
    """Build a network in evaluation mode; every parameter differs from its initial value."""
    config = composed("train", [f"model={name}", "run_dir=out", *overrides])
    torch.manual_seed(seed)
    net = instantiate(config.model.net)
    assert isinstance(net, RoiNetwork)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return net.eval()


def image(*size: int, batch: int = 1, layers: int = 3, seed: int = 0) -> torch.Tensor:
    return torch.randn(batch, layers, *size, generator=torch.Generator().manual_seed(seed))
