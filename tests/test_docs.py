"""Links between pages of the documentation exist, and its commands compose."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from composing import composed
from roilab.entry_point import config_dir

ROOT = Path(__file__).parents[1]
NAMES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "conf/README.md")
PAGES = [*(ROOT / name for name in NAMES), *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)  # language, text
ASSIGNMENT = re.compile(r'^([A-Z]+)="([^"]*)"')
COMMAND = re.compile(r"(?:python -m roilab\.|^roilab )(\w+)(.*)")
FLAGS = ("-m", "--help", "--dry-run", "&", "...")
VERBS = {path.stem for path in config_dir().glob("*.yaml")}


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield verb and overrides of every command; variables of the shell are replaced."""
    variables = {"PDHD": "pdhd", "CHOOSE": ""}
    lines = "\n".join(block for language, block in BLOCK.findall(text) if not language)
    for line in lines.replace("\\\n", " ").splitlines():
        known = re.sub(r"\$\(.*?\)", "x", line)
        known = re.sub(r"\$([A-Z]+)", lambda match: variables.get(match[1], "x"), known)
        if assignment := ASSIGNMENT.match(known):
            variables[assignment[1]] = assignment[2]
        elif "--config-dir" in known:  # test_extend.py runs these
            continue
        elif (command := COMMAND.search(known)) and command[1] in VERBS:
            overrides = shlex.split(command[2], comments=True)
            yield command[1], [word for word in overrides if word not in FLAGS]


def single(override: str) -> str:
    """Return the first job of a sweep over an override."""
    parsed = OverridesParser.create().parse_override(override)
    if not parsed.is_sweep_override():
        return override
    return f"{parsed.input_line.partition('=')[0]}={next(parsed.sweep_string_iterator())}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links(page: Path) -> None:
    for link in re.findall(r"\]\((?!http)([^)]+)\)", page.read_text()):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_compose(page: Path) -> None:
    for verb, overrides in commands(page.read_text()):
        composed(verb, [single(override) for override in overrides])


def test_commands_are_found() -> None:
    found = [verb for page in PAGES for verb, _ in commands(page.read_text())]
    assert set(found) == VERBS
    assert len(found) > 50
