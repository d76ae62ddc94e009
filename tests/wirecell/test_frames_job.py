"""The job that makes frames with the toolkit, evaluated with stand-ins for the toolkit's files."""

from pathlib import Path
from typing import Any

import pytest

from roilab.wirecell.__main__ import main
from wct_graph import edges_of, evaluate, nodes_of

WC = """
{ tn(x): x.type + (if std.get(x, 'name', '') == '' then '' else ':' + x.name) }
"""
TOOLS = """
function(params) {
  random: { type: 'Random' },
  field: { type: 'FieldResponse', name: 'field0' },
  anodes: [{ type: 'AnodePlane', name: 'apa%d' % n, data: { ident: n } } for n in std.range(0, 3)],
}
"""
PARAMS = """
{
  daq: { tick: 500, nticks: 6000 },
  sim: { ductor: { start_time: -313500, readout_time: 3063500 } },
}
"""
SIM = """
local pg = import 'pgraph.jsonnet';
local chain(kind, anode) =
  pg.pnode({ type: kind, name: anode.name }, nin=1, nout=1, uses=[anode]);
function(params, tools) {
  drifter: pg.pnode({ type: 'Drifter', name: '' }, nin=1, nout=1, uses=[tools.random]),
  splusn_pipelines: [chain('SignalAndNoise', anode) for anode in tools.anodes],
  signal_pipelines: [chain('SignalOnly', anode) for anode in tools.anodes],
}
"""
SP = """
local pg = import 'pgraph.jsonnet';
function(params, tools, override) {
  make_sigproc(anode%s): pg.pnode({
    type: 'OmnibusSigProc', name: anode.name, data: override + %s,
  }, nin=1, nout=1, uses=[anode]),
}
"""
# Folder of the toolkit, and arguments of make_sigproc there, whose values reach the node.
DETECTORS = {
    "pdhd": ("pdhd", ", l1sp_pd_mode='process'", "{ l1sp: l1sp_pd_mode }"),
    "pdsp": ("pdsp", ", name=null", "{}"),
    "pdvd": ("protodunevd", ", name=null, l1sp_pd_mode=''", "{ l1sp: l1sp_pd_mode }"),
    "dunehd": ("dune10kt-1x2x6", ", n", "{ n: n }"),
    "sbnd": ("sbnd", ", name=null", "{}"),
}


@pytest.fixture(scope="module")
def cfg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with stand-ins for the files of the toolkit that the job imports."""
    folder = tmp_path_factory.mktemp("cfg")
    common = folder / "pgrapher" / "common"
    common.mkdir(parents=True)
    (common / "tools.jsonnet").write_text(TOOLS)
    (folder / "wirecell.jsonnet").write_text(WC)
    for detector, (name, arguments, data) in DETECTORS.items():
        here = folder / "pgrapher" / "experiment" / name
        here.mkdir(parents=True)
        function = "function(more) " if detector == "dunehd" else ""
        (here / "simparams.jsonnet").write_text(function + PARAMS)
        (here / "sim.jsonnet").write_text(SIM)
        (here / "sp.jsonnet").write_text(SP % (arguments, data))
    return folder


def job(cfg: Path, tmp_path: Path, **arguments: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the job's components, and its nodes and edges as a graph."""
    assert main([str(tmp_path)]) == 0
    text = (tmp_path / "frames.jsonnet").read_text()
    first, *nodes, app = evaluate(text, cfg, depos="depos-0.npz", **arguments)
    return [first, app], {"nodes": nodes, "edges": app["data"]["edges"]}


def test_nodes(cfg: Path, tmp_path: Path) -> None:
    (first, app), graph = job(cfg, tmp_path, detector="pdhd", anodes=[1], output="x/g4")
    assert (first["type"], app["type"]) == ("wire-cell", "Pgrapher")
    assert {"WireCellHio", "WireCellSigProc", "WireCellGen"} <= set(first["data"]["plugins"])
    nodes = nodes_of(graph)
    assert nodes["DepoFileSource:depos"] == {"inname": "depos-0.npz", "scale": 1}
    assert nodes["DepoSetDrifter:drifter"] == {"drifter": "Drifter"}
    assert nodes["DepoSetFanout:depos"] == {"multiplicity": 2}
    sp = nodes["OmnibusSigProc:apa1"]
    assert (sp["use_roi_debug_mode"], sp["use_multi_plane_protection"]) == (True, True)
    assert (sp["sparse"], sp["l1sp"], sp["tight_lf_tag"]) == (False, "", "")
    assert "gauss_tag" not in sp
    tags = {key: f"{key}1" for key in ("loose_lf", "mp2_roi", "mp3_roi", "decon_charge")}
    assert {f"{key}_tag": tag for key, tag in tags.items()}.items() <= sp.items()
    assert nodes["HDF5FrameTap:rec1"] == {
        "filename": "x/g4-rec-1.h5",
        "trace_tags": ["loose_lf1", "mp2_roi1", "mp3_roi1", "gauss1", "decon_charge1"],
        "tick0": 0, "nticks": 6000, "gzip": 2, "chunk": [1, 6000],
    }  # fmt: skip
    assert nodes["HDF5FrameTap:tru1"] == {
        "filename": "x/g4-tru-1.h5", "trace_tags": ["deposplat1"],
        "tick0": 0, "nticks": 6127, "gzip": 2, "chunk": [1, 6127],
    }  # fmt: skip
    splat = nodes["DepoFluxSplat:truth1"]
    assert (splat["anode"], splat["field_response"]) == ("AnodePlane:apa1", "FieldResponse:field0")
    assert (splat["window_start"], splat["window_duration"]) == (-313500, 3063500)
    assert splat["reference_time"] == 0
    assert [round(x, 2) for x in splat["smear_long"]] == [2.69, 2.68, 2.71]
    rules = {"frame": {".*": "deposplat1"}, "merge": {".*": "deposplat1"}}
    assert nodes["Retagger:truth1"] == {"tag_rules": [rules]}


def test_edges(cfg: Path, tmp_path: Path) -> None:
    _, graph = job(cfg, tmp_path, detector="pdhd", anodes=[1])
    assert edges_of(graph) == {
        "DepoFileSource:depos 0 -> DepoSetDrifter:drifter 0",
        "DepoSetDrifter:drifter 0 -> DepoSetFanout:depos 0",
        "DepoSetFanout:depos 0 -> SignalAndNoise:apa1 0",
        "SignalAndNoise:apa1 0 -> OmnibusSigProc:apa1 0",
        "OmnibusSigProc:apa1 0 -> HDF5FrameTap:rec1 0",
        "HDF5FrameTap:rec1 0 -> DumpFrames:rec1 0",
        "DepoSetFanout:depos 1 -> DepoFluxSplat:truth1 0",
        "DepoFluxSplat:truth1 0 -> Retagger:truth1 0",
        "Retagger:truth1 0 -> HDF5FrameTap:tru1 0",
        "HDF5FrameTap:tru1 0 -> DumpFrames:tru1 0",
    }
    named = {f"{one['type']}:{one['name']}" for one in graph["nodes"] if one.get("name")}
    ends = {edge[side]["node"] for edge in graph["edges"] for side in ("tail", "head")}
    assert ends <= named  # every node of an edge is configured


@pytest.mark.parametrize("detector", DETECTORS)
def test_every_detector(cfg: Path, tmp_path: Path, detector: str) -> None:
    _, graph = job(cfg, tmp_path, detector=detector, noise=False, tags=["tight_lf", "gauss"])
    nodes = nodes_of(graph)
    assert nodes["DepoSetFanout:depos"] == {"multiplicity": 8}
    assert sum("SignalOnly" in name for name in nodes) == 4
    assert nodes["HDF5FrameTap:rec3"]["trace_tags"] == ["tight_lf3", "gauss3"]
    assert nodes["OmnibusSigProc:apa3"]["tight_lf_tag"] == "tight_lf3"
    assert nodes["OmnibusSigProc:apa3"].get("l1sp", "") == ""
    assert nodes["OmnibusSigProc:apa3"].get("n", 3) == 3


def test_settings_and_mistakes(cfg: Path, tmp_path: Path) -> None:
    changed = {"mp_tick_resolution": 4, "sparse": True}
    _, graph = job(cfg, tmp_path, detector="sbnd", processing=changed, scale=-1)
    nodes = nodes_of(graph)
    assert changed.items() <= nodes["OmnibusSigProc:apa0"].items()
    assert nodes["DepoFileSource:depos"]["scale"] == -1
    with pytest.raises(RuntimeError, match="detector=icarus: there is dunehd, pdhd, pdsp"):
        job(cfg, tmp_path, detector="icarus")
    with pytest.raises(RuntimeError, match=r"pdhd has the anodes \[0, 1, 2, 3\]"):
        job(cfg, tmp_path, detector="pdhd", anodes=[7])


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == main([str(tmp_path)]) == 0
    assert "wire-cell -l stdout -A depos=" in capsys.readouterr().out
    (tmp_path / "frames.jsonnet").write_text("{}")
    assert main([str(tmp_path)]) == 1
    assert "exists already and differs; nothing is overwritten" in capsys.readouterr().err
    assert (tmp_path / "frames.jsonnet").read_text() == "{}"
