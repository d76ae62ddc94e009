"""``submit=htcondor``: the submit description, and its jobs run in this process."""

import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from curves import results_of
from roilab.sweep.htcondor import quoted
from roilab.sweep.status import read_status

Run = Callable[..., None]


def read_description(path: Path) -> tuple[dict[str, str], list[str]]:
    """Return the keys of a submit description, and the items of its queue statement."""
    keys: dict[str, str] = {}
    text, _, queue = path.read_text().partition("queue job from (\n")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            assert equals
            assert key.strip() not in keys
            keys[key.strip()] = value.strip()
    *names, end = queue.splitlines()
    assert end == ")"
    return keys, names


def words(text: str, **macros: str) -> list[str]:
    """Split arguments or environment as condor_submit does in its new syntax."""
    for name, value in {**macros, "DOLLAR": "$"}.items():
        text = text.replace(f"$({name})", value)
    assert text[0] == text[-1] == '"'
    inside = text[1:-1].replace('""', '"')
    found = re.findall(r"(?:'(?:[^']|'')*'|[^\s'])+", inside)
    quotes = re.compile(r"'((?:[^']|'')*)'")
    return [quotes.sub(lambda match: match[1].replace("''", "'"), one) for one in found]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (["one", "two with spaces", "3"], "\"one 'two with spaces' 3\""),
        (['"two"', "spacey 'quoted' argument"], "\"\"\"two\"\" 'spacey ''quoted'' argument'\""),
        (["a=${b}", "$(job)", ""], "\"a=$(DOLLAR){b} $(job) ''\""),
    ],
)
def test_quotes_as_in_the_manual(given: list[str], text: str) -> None:
    assert quoted(given) == text
    assert words(text, job="$(job)") == [one for one in given]


@pytest.fixture
def submitted(
    run_train: Run,
    sweep_arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Path:
    """Submit description of four jobs in a folder whose name needs quotes."""
    monkeypatch.setenv("PYTHONPATH", "/some where:/b")
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    sweep = tmp_path / "a sweep"
    with pytest.raises(SystemExit) as end:
        run_train(
            *("-m", *sweep_arguments, "data.threshold=50,100", "seed=1,2", f"sweep.dir={sweep}"),
            *("submit=htcondor", "submit.request_memory=8GB", "submit.extra={+MaxRuntime:3600}"),
            *("grace_s=40", "trainer.max_epochs=1"),
        )
    assert end.value.code == 0
    path = sweep / "htcondor.sub"
    assert capsys.readouterr().out == (
        f"4 jobs are described, none is started; to submit them: condor_submit {path}\n"
    )
    return path


NAMES = [f"threshold-{threshold}+seed-{seed}" for threshold in (50, 100) for seed in (1, 2)]


def test_the_description_of_a_sweep(submitted: Path) -> None:
    keys, names = read_description(submitted)
    assert names == NAMES
    assert keys["executable"] == sys.executable
    assert keys["request_memory"] == "8GB"
    assert keys["+MaxRuntime"] == "3600"
    assert int(keys["job_max_vacate_time"]) > 40
    assert keys["kill_sig"] == "SIGTERM"
    assert keys["output"] == f"{submitted.parent}/.htcondor/$(job).out"
    assert (submitted.parent / ".htcondor").is_dir()
    environment = words(keys["environment"])
    assert "PYTHONPATH=/some where:/b" in environment
    assert not [one for one in environment if one.startswith("LD_LIBRARY_PATH")]
    # Nothing was trained, and the folder is that of a sweep that has not begun.
    assert not [path for path in submitted.parent.iterdir() if path.name in NAMES]


def test_its_jobs_run(
    submitted: Path,
    run_train: Run,
    light_arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from roilab.sweep.__main__ import main

    keys, names = read_description(submitted)
    for name in (names[0], names[3]):
        _, package, *arguments = words(keys["arguments"], job=name)
        assert package == "roilab.sweep"
        assert main([*arguments, "--dry-run"]) == 0
    assert not (submitted.parent / names[3]).exists()
    assert capsys.readouterr().out.count("Dry run: nothing is written") == 2
    _, _, *arguments = words(keys["arguments"], job=names[1])
    assert main(arguments) == 0
    status = read_status(submitted.parent / names[1])
    assert status is not None
    assert (status.number, status.swept) == (1, {"data.threshold": 50, "seed": 2})
    run_train(*light_arguments, "data.threshold=50", "seed=2", "trainer.max_epochs=1")
    single = results_of(tmp_path / "run" / "csv")
    np.testing.assert_equal(results_of(submitted.parent / names[1] / "csv"), single)
    # A finished job ends at once.
    assert main(arguments) == 0
    assert read_status(submitted.parent / names[1]) == status


BAD = [
    (["submit.extra={Kill_Sig:SIGINT}"], "submit.extra: Kill_Sig is in the submit description"),
    (["submit.request_cpus=0"], "submit.request_cpus=0: expected a whole number of at least 1"),
]


@pytest.mark.parametrize(("arguments", "text"), BAD)
def test_bad_settings(
    run_train: Run,
    sweep_arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    text: str,
) -> None:
    given = ["-m", *sweep_arguments, "seed=1,2", f"sweep.dir={tmp_path / 's'}", "submit=htcondor"]
    with pytest.raises(SystemExit) as end:
        run_train(*given, *arguments)
    assert end.value.code == 1
    assert text in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_a_single_run_is_not_submitted(
    run_train: Run, light_arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run_train(*light_arguments, "submit=htcondor")
    assert "this is a single run; add -m" in capsys.readouterr().err


def test_a_job_that_is_absent(submitted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from roilab.sweep.__main__ import main

    keys, _ = read_description(submitted)
    _, _, folder, *_ = words(keys["arguments"], job="x")
    assert main([folder, "seed-3"]) == 1
    assert "has no job seed-3; expected one of threshold-50+seed-1" in capsys.readouterr().err
    assert main([str(submitted.parent.parent), "seed-3"]) == 1
    assert "sweep.json: cannot be read" in capsys.readouterr().err
    assert shlex.quote(folder).startswith("'")
