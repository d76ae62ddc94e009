"""Settings that differ from those of the checkpoint are taken, refused, or done if asked."""

import csv
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import Callback, LightningModule, Trainer

from roilab.inference import read_checkpoint
from roilab.train.resume import ResumeError, check_resume

Run = Callable[..., None]
RECIPE: dict[str, Any] = {
    "run_dir": "/a",
    "seed": 1,
    "resume_override": False,
    "data": {"dir": "/data", "rebin": 10, "layers": ["loose_lf", "mp2_roi"], "num_workers": 2},
    "optimizer": {"_target_": "torch.optim.AdamW", "lr": 0.1, "betas": [0.9, 0.99], "fused": False},
    "scheduler": {"factory": None},
    "trainer": {"max_epochs": 5, "devices": 1},
    "callbacks": {"last": {"output_dir": "/a/checkpoints"}, "early_stopping": {"patience": 10}},
}


class KeepMomentum(Callback):
    """Save the momentum of the first parameter as the training begins."""

    def __init__(self, path: str) -> None:
        self.path = path

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        (optimizer,) = trainer.optimizers
        first = optimizer.param_groups[0]["params"][0]
        torch.save(optimizer.state[first]["momentum_buffer"], self.path)


def changed(**values: Any) -> dict[str, Any]:
    """Return the recipe with new values, by key with ``__`` for dots."""
    recipe = {key: dict(v) if isinstance(v, dict) else v for key, v in RECIPE.items()}
    for key, value in values.items():
        group, _, name = key.partition("__")
        if name:
            recipe[group][name] = value
        else:
            recipe[group] = value
    return recipe


def texts(new: dict[str, Any]) -> list[str]:
    return [str(each) for each in check_resume(RECIPE, new)]


def test_what_does_not_change_the_training_is_taken() -> None:
    assert texts(RECIPE) == []
    assert texts(changed(data__num_workers=0, trainer__max_epochs=9, callbacks__last=None)) == [
        "callbacks.last: absent -> None",
        "callbacks.last.output_dir: /a/checkpoints -> absent",
        "data.num_workers: 2 -> 0",
        "trainer.max_epochs: 5 -> 9",
    ]
    # Paths in the folder of the run move with it.
    assert texts(changed(run_dir="/b", callbacks__last={"output_dir": "/b/checkpoints"})) == []


def test_prepared_data_may_replace_their_frames() -> None:
    frames = changed(data___target_="roilab.data.RoiDataModule")
    prepared = changed(data___target_="roilab.data.PreparedDataModule", data__dir="/prepared")
    keys = [each.key for each in check_resume(frames, prepared)]
    assert keys == ["data._target_", "data.dir"]
    with pytest.raises(ResumeError, match=r"cannot change: data\._target_: roilab"):
        check_resume(frames, changed(data___target_="mine.Data"))


@pytest.mark.parametrize("override", [False, True])
def test_another_network_or_data_is_refused(override: bool) -> None:
    new = changed(seed=2, data__rebin=9, data__new_key=1, resume_override=override)
    new["optimizer"] |= {"lr": 0.01, "_target_": "torch.optim.SGD", "fused": True}
    with pytest.raises(ResumeError) as error:
        check_resume(RECIPE, new)
    assert str(error.value) == (
        "the run to resume had other settings (old -> new). These cannot change: "
        "data.new_key: absent -> 1, data.rebin: 10 -> 9, "
        "optimizer._target_: torch.optim.AdamW -> torch.optim.SGD, optimizer.fused: False -> True, "
        "seed: 1 -> 2. These only with resume_override=true: optimizer.lr: 0.1 -> 0.01. "
        "Give the old values, or start a new run in another output_dir."
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [("optimizer__betas", [0.8, 0.9]), ("optimizer__eps", 1e-6), ("trainer__devices", 2)],
)
def test_what_can_be_honoured_has_to_be_asked_for(key: str, value: Any) -> None:
    with pytest.raises(ResumeError, match="These only with resume_override=true"):
        check_resume(RECIPE, changed(**{key: value}))
    differences = check_resume(RECIPE, changed(**{key: value}, resume_override=True))
    assert [d.key for d in differences if d.key != "resume_override"] == [key.replace("__", ".")]


def test_every_key_of_the_default_training_is_known() -> None:
    """The table names keys that exist; a mistyped one would refuse what may change."""
    from roilab.notebook.compose import compose, plain
    from roilab.train.resume import MAY_CHANGE, _flatten

    config = plain(compose("train", ["trainer=ddp", "run_dir=here"]))
    keys = [*_flatten(config), *_flatten({"trainer": lightning_arguments()})]
    unknown = [p for p in MAY_CHANGE if not any(f"{key}.".startswith(f"{p}.") for key in keys)]
    assert unknown == []


def lightning_arguments() -> dict[str, None]:
    return dict.fromkeys(inspect.signature(Trainer).parameters)


def files(folder: Path) -> dict[Path, bytes]:
    """Return the contents of all files but the lock's, which names the process of each attempt."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path: path.read_bytes() for path in paths if not path.name.startswith(".lock")}


def test_a_refused_run_stays_as_it_was(
    run_train: Run, light_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_train(*light_arguments, "trainer.max_epochs=1")
    before = files(tmp_path / "run")
    with pytest.raises(SystemExit) as ended:
        run_train(*light_arguments, "resume=auto", "data.threshold=50", "optimizer.lr=0.01")
    assert ended.value.code == 1
    assert "data.threshold: 100 -> 50." in capsys.readouterr().err
    assert files(tmp_path / "run") == before


def test_a_changed_learning_rate_is_applied(
    run_train: Run, light_arguments: list[str], tmp_path: Path
) -> None:
    """The schedule begins anew; the momentum of the checkpoint is kept."""
    run = tmp_path / "run"
    run_train(*light_arguments, "scheduler=cosine", "scheduler.factory.T_max=2")
    old = read_checkpoint(run / "checkpoints" / "last.ckpt")["optimizer_states"][0]["state"][0]
    run_train(
        *(*light_arguments, "scheduler=cosine", "scheduler.factory.T_max=2", "resume=auto"),
        *("trainer.max_epochs=4", "optimizer.lr=0.01", "optimizer.weight_decay=0.5"),
        *("resume_override=true", "callbacks.early_stopping.patience=7"),
        "+callbacks.look._target_=test_resume_settings.KeepMomentum",
        f"+callbacks.look.path={tmp_path / 'momentum.pt'}",
    )
    logs = sorted((run / "csv").glob("*/metrics.csv"))
    rows = [row for log in logs for row in csv.DictReader(log.open())]
    rates = [float(row["lr"]) for row in rows if row["lr"]]
    assert rates == pytest.approx([0.1, 0.05, 0.01, 0.005])
    last = read_checkpoint(run / "checkpoints" / "last.ckpt")
    (group,) = last["optimizer_states"][0]["param_groups"]
    assert (group["weight_decay"], group["initial_lr"]) == (0.5, 0.01)
    assert last["roilab_recipe"]["optimizer"]["lr"] == 0.01
    assert "lr: 0.01" in (run / ".hydra" / "config.yaml").read_text()
    stopping = next(s for key, s in last["callbacks"].items() if key.startswith("EarlyStopping"))
    assert stopping["patience"] == 7
    log = (run / "train.log").read_text()
    assert "resumed with another optimizer.lr: 0.1 -> 0.01" in log
    assert "resumed with another trainer.max_epochs: 2 -> 4" in log
    kept = torch.load(tmp_path / "momentum.pt", weights_only=True)
    torch.testing.assert_close(kept, old["momentum_buffer"], rtol=0, atol=0)
