"""The real command line, in processes of its own: the roads a user takes."""

import json
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import roilab
from roilab.config import ConfigError
from roilab.reference_networks import FOLDER

pytestmark = pytest.mark.cli
Command = Callable[..., subprocess.CompletedProcess[str]]
Run = Callable[..., None]


VERBS = [
    *("train", "evaluate", "predict", "inspect", "report", "benchmark", "export"),
    *("display", "diff", "networks", "convert", "sample", "search"),
]
# One process for all, since none of them may import torch.
LIGHT = [
    "import roilab",
    "import roilab.config.check, roilab.config.rules",
    "import roilab.train, roilab.inspect",
    "import roilab.networks.table; roilab.networks.table.list_networks()",
    "roilab.open, roilab.simulate; import roilab.notebook.simulate",
    *(f"show_help({verb!r})" for verb in VERBS),
]
EXECUTE = """
import json, runpy, sys

def show_help(verb):
    sys.argv = [verb, "--help"]
    try:
        runpy.run_module(f"roilab.{verb}", run_name="__main__")
    except SystemExit as end:
        assert not end.code

for step in json.loads(sys.argv[1]):
    exec(step)
    heavy = [name for name in ("torch", "lightning", "timm") if name in sys.modules]
    if heavy:
        sys.exit(f"{step}: imported {heavy}")
"""


def test_imports_and_help_need_neither_torch_nor_lightning(run_command: Command) -> None:
    done = run_command("-c", EXECUTE, json.dumps(LIGHT))
    assert done.returncode == 0, done.stderr
    assert done.stdout.lower().count("usage: ") == len(VERBS)


def unpack_wheel(folder: Path) -> dict[str, str]:
    """Build a wheel of this checkout, unpack it, and return the variable to run it."""
    hatchling = pytest.importorskip("hatchling.build", reason="hatchling is not installed")
    name = hatchling.build_wheel(str(folder))
    with zipfile.ZipFile(folder / name) as wheel:
        wheel.extractall(folder / "installed")
    return {"PYTHONPATH": str(folder / "installed")}


def test_train_from_any_folder(
    run_command: Command, tiny_arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The defaults: CSV and W&B logs, a folder by date below the current one.

    In a checkout, from a built wheel alone: the configuration and the reference networks travel
    inside it.
    """
    repository, environment = Path(roilab.__file__).parents[2], dict[str, str]()
    if (repository / "pyproject.toml").is_file():
        with monkeypatch.context() as there:
            there.chdir(repository)
            environment = unpack_wheel(tmp_path)
        inside = tmp_path / "installed" / "roilab" / "reference_networks"
        names = {path.relative_to(FOLDER) for path in FOLDER.rglob("*[!c]") if path.is_file()}
        assert {path.relative_to(inside) for path in inside.rglob("*") if path.is_file()} == names
    arguments = [a for a in tiny_arguments if not a.startswith(("output_dir", "logger"))]
    done = run_command("-m", "roilab.train", *arguments, "seed=7", **environment)
    assert done.returncode == 0, done.stderr
    (run,) = tmp_path.glob("outputs/train/*/*")
    assert {path.name for path in run.iterdir()} == {
        *("checkpoints", "csv", "model.json", "model.ts", "pictures", "train.log", "wandb"),
        *("README.md", "SHA256SUMS", "dnnroi.jsonnet", ".hydra", "report.html"),
        "status.json",
        *(".lock", ".lock.json"),
    }
    assert "seed: 7" in (run / ".hydra" / "config.yaml").read_text()
    if environment:
        inside = f"{environment['PYTHONPATH']}/roilab/conf"
        assert inside in (run / ".hydra" / "hydra.yaml").read_text()
    assert list(run.glob("wandb/offline-run-*/files/media/images/events/*.png"))
    assert f"model      {run}/model.ts" in done.stdout


def test_every_job_of_a_multirun_has_its_own_folder(
    run_train: Run, light_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two jobs of one batch, which have no best checkpoint: the last state is exported."""
    sweep = ["data.threshold=50,500", "trainer.fast_dev_run=true", f"hydra.sweep.dir={tmp_path}/m"]
    left_out = ("output_dir", "callbacks.export")
    given = [one for one in light_arguments if not one.startswith(left_out)]
    run_train("-m", *given, *sweep)
    thresholds = [
        json.loads((tmp_path / "m" / job / "model.json").read_text())["truth_threshold"]
        for job in ("threshold-50", "threshold-500")
    ]
    assert thresholds == [50, 500]
    assert all((tmp_path / "m" / f"threshold-{t}" / "model.ts").is_file() for t in thresholds)
    assert capsys.readouterr().out.count("of the last state") == 2
    assert not (tmp_path / "run").exists()


def test_mistakes_exit_with_a_sentence(
    run_command: Command, run_train: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("data=pdhd", "data.dir=nowhere", "logger=none")
    done = run_command("-m", "roilab.train", *command)
    assert done.returncode == 1
    (sentence,) = done.stderr.splitlines()  # nothing around it
    assert sentence.startswith("data.dir=nowhere: expected a folder that exists.")
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(ConfigError, match=r"data\.dir=nowhere: expected a folder"):
        run_train(*command)  # Python prints the traceback of an exception that nobody catches
