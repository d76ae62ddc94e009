"""The real command line, in processes of its own: the roads a user takes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import roilab

pytestmark = pytest.mark.cli
Command = Callable[..., subprocess.CompletedProcess[str]]


VERBS = [
    *("train", "evaluate", "predict", "inspect", "report", "benchmark", "export"),
    *("display", "diff"),
]


@pytest.mark.parametrize("verb", VERBS)
def test_help_needs_neither_torch_nor_lightning(run_command: Command, verb: str) -> None:
    code = f"import sys, runpy; sys.argv = ['{verb}', '--help']\n"
    code += f"try: runpy.run_module('roilab.{verb}', run_name='__main__')\n"
    code += "except SystemExit: pass\n"
    code += "print('heavy:', [m for m in ('torch', 'lightning', 'timm') if m in sys.modules])"
    done = run_command("-c", code)
    assert done.returncode == 0, done.stderr
    assert "heavy: []" in done.stdout


def test_train_from_any_folder(
    run_command: Command, tiny_arguments: list[str], tmp_path: Path
) -> None:
    """The defaults: CSV and W&B logs, a folder by date below the current one."""
    arguments = [a for a in tiny_arguments if not a.startswith(("output_dir", "logger"))]
    done = run_command("-m", "roilab.train", *arguments, "seed=7")
    assert done.returncode == 0, done.stderr
    (run,) = tmp_path.glob("outputs/train/*/*")
    assert {path.name for path in run.iterdir()} == {
        *("checkpoints", "csv", "model.json", "model.ts", "pictures", "train.log", "wandb"),
        *("MODEL_CARD.md", "SHA256SUMS", "dnnroi.jsonnet", ".hydra", "report.html"),
        "status.json",
        *(".lock", ".lock.json"),
    }
    assert "seed: 7" in (run / ".hydra" / "config.yaml").read_text()
    assert list(run.glob("wandb/offline-run-*/files/media/images/events/*.png"))
    assert f"model      {run}/model.ts" in done.stdout


def test_every_job_of_a_multirun_has_its_own_folder(
    run_command: Command, tiny_arguments: list[str], tmp_path: Path
) -> None:
    sweep = ["data.threshold=50,500", "trainer.fast_dev_run=true", f"hydra.sweep.dir={tmp_path}/m"]
    given = [one for one in tiny_arguments if not one.startswith("output_dir")]
    done = run_command("-m", "roilab.train", "-m", *given, *sweep)
    assert done.returncode == 0, done.stderr
    thresholds = [
        json.loads((tmp_path / "m" / job / "model.json").read_text())["truth_threshold"]
        for job in ("threshold-50", "threshold-500")
    ]
    assert thresholds == [50, 500]
    assert not (tmp_path / "run").exists()


def test_mistakes_exit_with_a_sentence(run_command: Command) -> None:
    command = ("-m", "roilab.train", "data=pdhd", "data.dir=nowhere", "logger=none")
    done = run_command(*command)
    assert done.returncode == 1
    assert "data.dir=nowhere: expected a folder that exists." in done.stderr
    assert "Traceback" not in done.stderr
    shown = run_command(*command, HYDRA_FULL_ERROR="1")
    assert shown.returncode == 1
    assert "Traceback" in shown.stderr


def test_two_processes_share_the_work(
    run_command: Command, tiny_arguments: list[str], tmp_path: Path
) -> None:
    arguments = [*tiny_arguments, "trainer=ddp_cpu"]
    done = run_command("-m", "roilab.train", *arguments)
    assert done.returncode == 0, done.stderr
    # One folder, written by one process.
    assert len(list(tmp_path.rglob("metrics.csv"))) == 1
    assert (tmp_path / "run" / "model.ts").is_file()


def test_installed_wheel(run_command: Command, tiny_arguments: list[str], tmp_path: Path) -> None:
    """From a built wheel alone: the configuration travels inside it."""
    repository = Path(roilab.__file__).parents[2]
    if not (repository / "pyproject.toml").is_file():
        pytest.skip("roilab is not run from a checkout, so there is nothing to build")
    built = run_command(
        *("-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(repository))
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = tmp_path.glob("roilab-*.whl")
    target = tmp_path / "installed"
    pip = ("-m", "pip", "install", "--no-deps", "--target", str(target))
    installed = run_command(*pip, str(wheel))
    assert installed.returncode == 0, installed.stderr
    where = run_command(
        *("-c", "import roilab.entry_point as c; print(c.config_dir())"), PYTHONPATH=str(target)
    )
    assert where.stdout.strip() == str(target / "roilab" / "conf")
    arguments = [*tiny_arguments, "trainer.max_epochs=1"]
    done = run_command("-m", "roilab.train", *arguments, PYTHONPATH=str(target))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "model.ts").is_file()
    assert (tmp_path / "run" / "report.html").is_file()


@pytest.mark.parametrize(
    "statement",
    [
        "import roilab",
        "import roilab.train, roilab.inspect",
        "import roilab; roilab.open, roilab.simulate; import roilab.notebook.simulate",
    ],
)
def test_import_is_light(statement: str) -> None:
    # No timing here: what costs the time is torch, and that is not there.
    code = f"{statement}\nimport sys; sys.exit('torch' in sys.modules)"
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], env=dict(os.environ), check=False)
    assert done.returncode == 0, f"torch was imported ({time.perf_counter() - began:.1f} s)"
