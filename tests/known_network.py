"""A network whose output is known for every pixel, and a check of commands that fail."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

METADATA = {
    **{"layers": ["loose_lf", "mp2_roi", "mp3_roi"], "planes": ["V"], "rebin": 10},
    **{"channel_rebin": 1, "input_scale": 1 / 4000, "truth_threshold": 100, "pad": 0},
    **{"pad_unit": "bins", "mask_thresh": 0.5, "network": "AboveThreshold"},
}


class AboveThreshold(nn.Module):
    """Probability 0.6 where the first layer is above 40 e, else 0.1."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.where(image[:, :1] > 0.01, 0.6, 0.1)


def fails(run: Callable[..., object], capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that must fail; return its error message, which has no traceback."""
    with pytest.raises(SystemExit) as stopped:
        run(*arguments)
    assert stopped.value.code == 1
    err = capsys.readouterr().err
    assert "Traceback" not in err
    return err
