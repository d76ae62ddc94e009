"""Help of the commands: every key explained, internal ones hidden, quick."""

from pathlib import Path

import pytest

from roilab.command_line.arguments import split
from roilab.command_line.help_page import help_page, visible_keys
from roilab.command_line.keys import Command, ConfFolders, config_dir

VERBS = sorted(path.stem for path in config_dir().glob("*.yaml"))


def page(verb: str, *arguments: str) -> str:
    return help_page(verb, f"roilab {verb}", split([*arguments, "--help"]))


@pytest.mark.parametrize("verb", VERBS)
def test_every_key_and_choice_is_explained(verb: str) -> None:
    folders, missing = ConfFolders(), set()
    groups = [group for group in Command(verb, [], folders).groups if "/" not in group]
    for group in groups:
        for choice, file in folders.choices(group).items():
            if not file.header:
                missing.add(f"{group}={choice}")
            keys = visible_keys(Command(verb, [f"{group}={choice}"], folders))
            missing |= {f"{key.group}: {name}" for name, key in keys.items() if not key.comment}
    assert not missing


def test_keys_stand_with_default_and_explanation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    shown = page("train").splitlines()
    line = next(line for line in shown if line.startswith("  data.rebin="))
    assert line.split() == ["data.rebin=10", "ticks", "per", "slice"]
    assert any("model" in line and "*mobilenetv3" in line and "unet" in line for line in shown)
    assert "usage: roilab train" in shown[0]


@pytest.mark.parametrize("verb", VERBS)
def test_internal_keys_are_hidden(verb: str) -> None:
    keys = [line.split("=")[0].strip() for line in page(verb).splitlines() if "=" in line]
    hidden = ("hydra", "_target_", "_convert_", "_recursive_", "run_dir", "n_layers", "dirpath")
    assert not [key for key in keys if set(hidden) & set(key.split("."))]
    assert "default_root_dir" not in page(verb)
    assert "${" not in page(verb)


def test_words_choose_a_part() -> None:
    one = page("train", "data.rebin")
    assert "data.rebin=10" in one
    assert "data.pad" not in one
    loss = page("train", "loss=focal", "loss")
    assert "loss=dice_bce" in loss  # choices, each with its explanation
    assert "loss.gamma=2.0" in loss
    assert "detector.nticks" in page("train", "detector")
    assert "no key or group is named nothing" in page("train", "nothing")


def test_a_users_folder(user_conf: Path) -> None:
    shown = page("train", "--config-dir", str(user_conf), "data=tiny")
    assert "*tiny" in shown
    assert "data.num_workers=0" in shown
