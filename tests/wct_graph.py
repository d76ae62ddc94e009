"""Evaluate jsonnet with stand-ins for files of the toolkit; nodes and edges of the graph."""

import json
from pathlib import Path
from typing import Any

import pytest

TOOLKIT = Path(__file__).parent / "export" / "toolkit"
Json = dict[str, Any]


def evaluate(snippet: str, *folders: Path, **arguments: Any) -> Any:
    """Return the value of a snippet; ``folders`` are searched before the stand-ins.

    Arguments are those of a function that the snippet evaluates to, as ``wire-cell -A`` gives them.
    """
    jsonnet = pytest.importorskip("_jsonnet", reason="the package jsonnet is not installed")
    text = jsonnet.evaluate_snippet(
        "job.jsonnet", snippet, jpathdir=[str(TOOLKIT), *map(str, folders)],
        tla_codes={name: json.dumps(value) for name, value in arguments.items()},
    )  # fmt: skip
    return json.loads(text)


def nodes_of(graph: Json) -> dict[str, Json]:
    """Return the data of the nodes of a graph by ``type:name``."""
    found: dict[str, Json] = {}
    for node in graph["nodes"]:
        name = f"{node['type']}:{node['name']}" if node.get("name") else node["type"]
        data = node.get("data", {})
        assert found.setdefault(name, data) == data, f"two different nodes {name}"
    return found


def edges_of(graph: Json) -> set[str]:
    """Return the edges of a graph, as ``tail port -> head port``."""
    return {
        f"{e['tail']['node']} {e['tail']['port']} -> {e['head']['node']} {e['head']['port']}"
        for e in graph["edges"]
    }
