"""The quick reader of keys finds what Hydra composes, for every choice of every command."""

from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from roilab.command_line.conf_file import Key, read_conf_file
from roilab.command_line.keys import Command, ConfFolders, config_dir

VERBS = sorted(path.stem for path in config_dir().glob("*.yaml"))


def rounds(verb: str) -> list[list[str]]:
    """Return overrides that together use every choice of every group of a command."""
    folders = ConfFolders()

    def names(group: str) -> list[str]:
        return list(folders.choices(group.partition("@")[0]))

    def pick(groups: list[str], number: int) -> list[str]:
        return [f"{group}={names(group)[number % len(names(group))]}" for group in groups]

    top = [group for group in Command(verb, [], folders).groups if "/" not in group]
    top = [group for group in top if "@" not in group]
    found = []
    for number in range(max((len(names(group)) for group in top), default=1)):
        chosen = pick(top, number)
        # Parts of a group that this choice has.
        nested = [g for g in Command(verb, chosen, folders).groups if g not in top]
        found.append(chosen + pick([group for group in nested if "/" in group], number))
    return found


ROUNDS = [(verb, chosen) for verb in VERBS for chosen in [[], *rounds(verb)]]


def plain(key: Key) -> Any:
    """Return a key's value as a plain container, all numbers and texts as text."""
    if key.children is None:
        return texts(key.value)
    return {name: plain(child) for name, child in key.children.items()}


def texts(value: Any) -> Any:
    """Return a container with numbers as floats; PyYAML reads 1e-5 as text, OmegaConf does not."""
    if isinstance(value, dict):
        return {str(name): texts(item) for name, item in value.items()}
    if isinstance(value, list):
        return [texts(item) for item in value]
    try:
        return value if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return value


@pytest.mark.parametrize(("verb", "chosen"), ROUNDS, ids=lambda value: str(value)[:40])
def test_as_hydra(verb: str, chosen: list[str]) -> None:
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose(verb, chosen, return_hydra_config=True)
    choices = OmegaConf.to_container(config.hydra.runtime.choices)
    composed = OmegaConf.to_container(config, resolve=False)
    command = Command(verb, chosen, ConfFolders())
    (command.keys.children or {}).pop("hydra", None)
    assert isinstance(choices, dict)
    assert isinstance(composed, dict)
    del composed["hydra"]
    assert plain(command.keys) == texts(composed)
    hydra_groups = {
        str(name): value for name, value in choices.items()
        if str(name).split("/")[0] not in ("hydra", "command")
    }  # fmt: skip
    assert command.groups == hydra_groups


def test_a_users_folder(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.yaml").write_text("defaults: [pdhd, _self_]\nrebin: 3 # own\n")
    folders = ConfFolders(str(tmp_path))
    command = Command("train", ["data=mine"], folders)
    assert {"mine", "pdhd"} <= set(folders.choices("data"))
    assert command.flat["data.rebin"].value == 3
    assert command.flat["data.rebin"].comment == "own"
    assert command.flat["data.pad"].comment  # from base
    assert command.groups["detector"] == "pdhd"


def test_comments(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text(
        "# @package _global_\n# What it is.\na: 1 # behind\n# above,\n# two lines\nb: [1, 2]\n"
        "\n# a heading\n\nc: '#' # text\nd: # of the part\n  # inner\n  e:\n  f: {g: 1} # flow\n"
    )
    file = read_conf_file(path, "group")
    assert (file.header, file.package) == (["What it is."], "_global_")
    comments = {name: key.comment for name, key in file.keys.walk()}
    assert comments == {
        **{"a": "behind", "b": "above, two lines", "c": "text", "d": "of the part"},
        **{"d.e": "inner", "d.f": "flow", "d.f.g": ""},
    }


def test_a_file_that_is_no_mapping_has_no_keys(tmp_path: Path) -> None:
    for number, text in enumerate(["", "- 1", "a: [1", "a: {b: 1}\n  c: 2\n"]):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text)
        assert not list(read_conf_file(path, "").keys.walk())


def test_an_added_group(tmp_path: Path) -> None:
    command = Command("evaluate", ["+experiment=demo"], ConfFolders())
    assert command.flat["trainer.max_epochs"].value == 24
