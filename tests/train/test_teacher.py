"""Distillation: a network learns from another one beside the truth mask."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from known_network import fails
from roilab.inference import read_checkpoint
from roilab.train.teacher import Teacher

Run = Callable[..., None]


def test_target_is_a_mixture_of_truth_and_probability() -> None:
    class Constant(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return torch.full_like(image[:, :1], 0.8)

    truth = torch.tensor([[[[0.0, 1.0]]]])
    target = Teacher(Constant(), share=0.25).target(torch.zeros(1, 3, 1, 2), truth)
    # 0.75 * 0 + 0.25 * 0.8, and 0.75 * 1 + 0.25 * 0.8
    torch.testing.assert_close(target, torch.tensor([[[[0.2, 0.95]]]]))


def weights(run: Path) -> dict[str, torch.Tensor]:
    (best,) = (run / "checkpoints").glob("best*.ckpt")
    state: dict[str, torch.Tensor] = read_checkpoint(best)["state_dict"]
    return state


def test_a_student_learns_from_a_run(
    run_train: Run, light_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taught = [*light_arguments, "trainer.max_epochs=1", f"distill.teacher={tmp_path / 'teacher'}"]
    run_train(*light_arguments, "trainer.max_epochs=1", f"output_dir={tmp_path / 'teacher'}")
    run_train(*taught, "distill.share=0", f"output_dir={tmp_path / 'truth'}")
    run_train(*taught, "distill.share=1", f"output_dir={tmp_path / 'soft'}")
    teacher, truth, soft = (weights(tmp_path / name) for name in ("teacher", "truth", "soft"))
    assert set(teacher) == set(truth) == set(soft)  # no weights of the teacher
    assert all(torch.equal(teacher[name], truth[name]) for name in teacher)
    assert any(not torch.equal(teacher[name], soft[name]) for name in teacher)
    err = fails(run_train, capsys, *taught, "data.rebin=5", f"output_dir={tmp_path / 'x'}")
    assert "cannot be the teacher, since its input differs" in err
    assert "rebin=10 against 5" in err
