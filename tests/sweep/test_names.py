"""Names of jobs, and the GPU of each."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from roilab.sweep.launchers import LauncherError, check_plugin, gpu_environment
from roilab.sweep.names import folder_name, title, values

NAMES = [
    (["data.rebin=1", "data.threshold=50"], "rebin-1+threshold-50"),
    (["model=unet"], "model-unet"),
    (["optimizer.lr=0.1", "+scheduler.lr=1e-3"], "optimizer.lr-0.1+scheduler.lr-1e-3"),
    ([], "7"),
]


@pytest.mark.parametrize(("swept", "name"), NAMES)
def test_folder_names(swept: list[str], name: str) -> None:
    assert folder_name(swept, 7) == name


def test_names_need_no_quotes_and_never_clash() -> None:
    odd = [
        "data.dir=/a/b",
        "data.dir=/a-b",
        "data.layers=[a,b]",
        "data.rec='x y'",
        "a=" + 200 * "b",
    ]
    names = [folder_name([override], 0) for override in odd]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 100
    for name in names:
        (parsed,) = OverridesParser.create().parse_overrides([f"resume=out/{name}/last.ckpt"])
        assert parsed.value() == f"out/{name}/last.ckpt"


def test_values_and_title() -> None:
    swept = ["data.rebin=4", "optimizer.lr=1e-3", "data.layers=[a,b]", "data.cache=null", "x='1'"]
    assert list(values(swept).values()) == [4, 1e-3, ["a", "b"], None, "1"]
    assert title(swept[:2]) == "rebin=4 lr=1e-3"


def test_gpus_are_shared_round_robin(monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    gpus = [gpu_environment(launcher, number)["CUDA_VISIBLE_DEVICES"] for number in range(3)]
    assert gpus == ["2", "5", "2"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpu_environment(launcher, 1) == {"CUDA_VISIBLE_DEVICES": ""}
    assert gpu_environment("hydra._internal.core_plugins.basic_launcher.BasicLauncher", 1) == {}


def test_missing_plugin_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roilab.sweep.launchers.find_spec", lambda name: None)
    with pytest.raises(LauncherError, match=r"roilab\[slurm\]"):
        check_plugin("hydra_plugins.hydra_submitit_launcher.submitit_launcher.SlurmLauncher")
