"""The subgraph of a complete anode, node by node and edge by edge, and user errors."""

import hashlib
import sys
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from export.test_export import build, checkpoint
from roilab.export.anode import AnodeError, AnodeSettings
from roilab.export.settings import ExportError, ExportSettings
from roilab.export.sources import read_sources
from roilab.inference.metadata import network_metadata
from roilab.train.callbacks.export import ExportTorchScript
from roilab.wirecell import anode_jsonnet, node_jsonnet
from wct_graph import edges_of, evaluate, nodes_of

ANODE = '{type: "AnodePlane", name: "apa%d", data: {ident: %d}}'
CHOICE = AnodeSettings(planes=None, planes_of=None, classical="gauss")
SIX_LAYERS = "data.layers=[loose_lf,mp2_roi,mp3_roi,tight_lf,decon_charge,gauss]"


def metadata(*more: str) -> dict[str, object]:
    network = build("unet", *more)
    return network_metadata(network.recipe, network.working_point)


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a network of U, and one of V for V and W; without the networks themselves."""
    folder = tmp_path_factory.mktemp("anode")
    networks = {
        "u": metadata("data.planes=[U]", "data.rebin=20"),
        "vw": metadata("data.rebin=40", SIX_LAYERS),
    }
    for name, described in networks.items():
        (folder / name).mkdir()
        (folder / name / "dnnroi.jsonnet").write_text(node_jsonnet(described, "model.ts"))
    by_plane = {"u": networks["u"], "v": networks["vw"], "w": networks["vw"]}
    settings = replace(CHOICE, planes=["u", "v"], planes_of={0: ["u", "w"]})
    files = {"u": PurePosixPath("u/model.ts")} | dict.fromkeys("vw", PurePosixPath("vw/model.ts"))
    (folder / "anode.jsonnet").write_text(anode_jsonnet(files, settings.choose(by_plane)))
    return folder


def export(folder: Path, *arguments: str) -> None:
    from roilab.export.__main__ import main

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["roilab.export", f"output_dir={folder}", *arguments])
        main()


def subgraph(delivery: Path, apa: int, arguments: str = "") -> dict[str, object]:
    call = f"(import '{delivery}/anode.jsonnet')({ANODE % (apa, apa)}{arguments})"
    graph = evaluate(call)
    assert isinstance(graph, dict)
    return graph


def check_sums(folder: Path) -> set[str]:
    """Compare ``SHA256SUMS`` with the files as sha256sum does; return the files it lists."""
    found = set()
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name
        found.add(name)
    return found


def test_sums_list_every_file(tmp_path: Path) -> None:
    export(tmp_path / "out", "network=small")
    assert list(tmp_path.glob("out/figures/*.png"))
    files = {p.relative_to(tmp_path / "out").as_posix() for p in tmp_path.glob("out/**/[!.]*.*")}
    assert check_sums(tmp_path / "out") == files
    assert "anode.jsonnet" in files


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    part = ["data.tick_range=[0,800]", "data.rebin=20"]
    a = build("unet", "data.planes=[U]", "data.channel_range=[0,160]", *part)
    b = build("unet", "data.channel_range=[800,960]", *part)
    paths = [checkpoint(one, tmp_path / f"{n}.ckpt") for n, one in enumerate((a, b))]
    out = tmp_path / "out"
    export(out, f"network={{u: {paths[0]}, v: {paths[1]}, w: {paths[1]}}}", "anode.planes=[u,v]")
    printed = capsys.readouterr().out
    assert f"anode      {out}/anode.jsonnet" in printed
    assert "that of plane w was trained on v; judge it on that plane first" in printed
    each = ["README.md", "SHA256SUMS", "dnnroi.jsonnet", "model.json", "model.ts"]
    expected = {f"{folder}/{name}" for folder in ("u", "vw") for name in each}
    found = {str(path.relative_to(out)) for path in out.rglob("[!.]*") if path.is_file()}
    assert found == expected | {"anode.jsonnet", "SHA256SUMS"}
    assert check_sums(out) == found - {"SHA256SUMS"}
    graph = subgraph(out, 1)
    forward = {n: d["forward"] for n, d in nodes_of(graph).items() if "DNNROIFinding" in n}
    assert forward == {
        "DNNROIFinding:dnnroi1u": f"TorchService:roilab-{out}/u/model.ts-cpu",
        "DNNROIFinding:dnnroi1v": f"TorchService:roilab-{out}/vw/model.ts-cpu",
    }
    with pytest.raises(SystemExit):
        export(out, "network=small")
    assert "holds anode.jsonnet already; nothing is overwritten" in capsys.readouterr().err


def test_nodes(delivery: Path) -> None:
    graph = subgraph(delivery, 1, ", output_scale=1.2, nchunks=2")
    nodes = nodes_of(graph)
    models = {letter: f"{delivery}/{letter}/model.ts" for letter in ("u", "vw")}
    services = {letter: f"TorchService:roilab-{file}-cpu" for letter, file in models.items()}
    plain = {
        "anode": "AnodePlane:apa1", "decon_charge_tag": "decon_charge1", "sort_chanids": True,
        "input_scale": 1 / 4000, "input_offset": 0, "mask_thresh": 0.5, "nticks": 6000,
        "nchunks": 2, "output_scale": 1.2, "summary_tag": "",
    }  # fmt: skip
    layers = ["loose_lf1", "mp2_roi1", "mp3_roi1"]

    def selector(plane: int, trace: dict[str, str]) -> dict[str, object]:
        rules = [{"frame": {".*": "DNNROIFinding"}, "trace": trace}]
        return {
            "anode": "AnodePlane:apa1",
            "plane": plane,
            "tags": list(trace),
            "tag_rules": rules,
        }

    def rule(*tags: str) -> dict[str, object]:
        return {"frame": {".*": "dnnsp1"}, "trace": {tag: tag for tag in tags}}

    def kept(letter: str) -> dict[str, str]:
        return {"gauss1": f"gauss1{letter}", "wiener1": f"wiener1{letter}"}

    assert nodes == {
        "AnodePlane:apa1": {"ident": 1},
        services["u"]: {"model": models["u"], "device": "cpu"},
        services["vw"]: {"model": models["vw"], "device": "cpu"},
        "DNNROIFinding:dnnroi1u": {
            **plain, "plane": 0, "intags": layers, "outtag": "dnnsp1u", "tick_per_slice": 20,
            "tick_pad_multiple": 20, "forward": services["u"],
        },
        "DNNROIFinding:dnnroi1v": {
            **plain, "plane": 1, "outtag": "dnnsp1v", "tick_per_slice": 40,
            "intags": [*layers, "tight_lf1", "decon_charge1", "gauss1"],
            "tick_pad_multiple": 40, "forward": services["vw"],
        },
        "PlaneSelector:dnnroi1w": selector(2, {"gauss1": "dnnsp1w"}),
        "PlaneSelector:dnnroi1u_kept": selector(0, kept("u")),
        "PlaneSelector:dnnroi1v_kept": selector(1, kept("v")),
        "PlaneSelector:dnnroi1w_kept": selector(2, kept("w")),
        "FrameFanout:dnnroi1": {"multiplicity": 6},
        "FrameFanin:dnnroi1": {
            "multiplicity": 6,
            "tag_rules": [
                rule("dnnsp1u"), rule("gauss1u", "wiener1u"), rule("dnnsp1v"),
                rule("gauss1v", "wiener1v"), rule("dnnsp1w"), rule("gauss1w", "wiener1w"),
            ],
        },
        "Retagger:dnnroi1": {
            "tag_rules": [{
                "frame": {".*": "dnnsp1"},
                "merge": {
                    "dnnsp1[uvw]": "dnnsp1", "gauss1[uvw]": "gauss1", "wiener1[uvw]": "wiener1",
                },
            }],
        },
    }  # fmt: skip


def test_edges(delivery: Path) -> None:
    graph = subgraph(delivery, 1, ", keep=false, prefix='roi'")
    assert edges_of(graph) == {
        "FrameFanout:roi1 0 -> DNNROIFinding:roi1u 0",
        "FrameFanout:roi1 1 -> DNNROIFinding:roi1v 0",
        "FrameFanout:roi1 2 -> PlaneSelector:roi1w 0",
        "DNNROIFinding:roi1u 0 -> FrameFanin:roi1 0",
        "DNNROIFinding:roi1v 0 -> FrameFanin:roi1 1",
        "PlaneSelector:roi1w 0 -> FrameFanin:roi1 2",
        "FrameFanin:roi1 0 -> Retagger:roi1 0",
    }
    assert graph["iports"] == [{"node": "FrameFanout:roi1", "port": 0}]
    assert graph["oports"] == [{"node": "Retagger:roi1", "port": 0}]
    assert len(edges_of(subgraph(delivery, 1))) == 13
    retagger = nodes_of(graph)["Retagger:roi1"]
    assert retagger["tag_rules"][0]["merge"] == {"dnnsp1[uvw]": "dnnsp1"}


def test_planes_of_an_anode(delivery: Path) -> None:
    nodes = nodes_of(subgraph(delivery, 0, ", keep=false"))
    planes = {name: data["plane"] for name, data in nodes.items() if "plane" in data}
    assert planes == {
        "DNNROIFinding:dnnroi0u": 0,
        "PlaneSelector:dnnroi0v": 1,
        "DNNROIFinding:dnnroi0w": 2,
    }
    assert nodes["PlaneSelector:dnnroi0v"]["tag_rules"][0]["trace"] == {"gauss0": "dnnsp0v"}


def test_the_service_of_a_job_keeps_its_settings(delivery: Path) -> None:
    semaphore = "{type: 'Semaphore', name: 'torch-cpu', data: {concurrency: 2}}"
    data = "{model: 'theirs.ts', device: 'gpu', semaphore: 'Semaphore:torch-cpu'}"
    ts = f"{{type: 'TorchService', name: 'dnnroi', data: {data}, uses: [{semaphore}]}}"
    nodes = nodes_of(subgraph(delivery, 1, f", {ts}, keep=false"))
    name = f"TorchService:roilab-{delivery}/u/model.ts-gpu"
    assert nodes[name] == {
        "model": f"{delivery}/u/model.ts",
        "device": "gpu",
        "semaphore": "Semaphore:torch-cpu",
    }
    assert nodes["Semaphore:torch-cpu"] == {"concurrency": 2}
    assert nodes["DNNROIFinding:dnnroi1u"]["forward"] == name
    with pytest.raises(RuntimeError, match="ts: expected a TorchService with data, or null"):
        subgraph(delivery, 1, ", 'model.ts'")


def test_arguments(delivery: Path) -> None:
    extra = ", keep=false, nticks=3427, mask_thresh=0.2, summary_tag='wiener%d'"
    nodes = nodes_of(subgraph(delivery, 1, extra))
    for letter in ("u", "v"):
        data = nodes[f"DNNROIFinding:dnnroi1{letter}"]
        assert (data["nticks"], data["mask_thresh"], data["summary_tag"]) == (3427, 0.2, "wiener1")
    assert nodes["PlaneSelector:dnnroi1w"]["summary_tags"] == ["wiener1"]
    with pytest.raises(RuntimeError, match="tick_per_slice=10: the network of plane u was trained"):
        subgraph(delivery, 1, ", tick_per_slice=10")


@pytest.mark.parametrize("name", ["small", "pdhd"])
def test_a_reference_network_and_an_anode_without_networks(tmp_path: Path, name: str) -> None:
    (source,) = read_sources(name, ())  # not exported, which takes long
    (tmp_path / "dnnroi.jsonnet").write_text(node_jsonnet(source.metadata, "model.ts"))
    chosen = replace(CHOICE, planes_of={3: []}).choose(dict.fromkeys("uv", source.metadata))
    text = anode_jsonnet(dict.fromkeys(source.planes, PurePosixPath("model.ts")), chosen)
    (tmp_path / "anode.jsonnet").write_text(text)
    nodes = nodes_of(subgraph(tmp_path, 0, ", tick_per_slice=4, keep=false"))
    kinds = [name.split(":")[0] for name in nodes]
    assert kinds.count("DNNROIFinding") == 2  # it was trained on U and V
    assert kinds.count("TorchService") == kinds.count("PlaneSelector") == 1
    assert nodes["DNNROIFinding:dnnroi0v"]["forward"] == nodes["DNNROIFinding:dnnroi0u"]["forward"]
    assert not [name for name in nodes_of(subgraph(tmp_path, 3)) if "DNNROIFinding" in name]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"planes": ["w"]}, r"anode\.planes=\[w\]: there is no network for plane w, only for u, v"),
        ({"planes_of": {0: ["U", "w"]}}, r"anode\.planes_of\.0=\[u,w\]: there is no network for"),
        ({"classical": None}, "plane w has neither a network nor classical ROIs"),
        ({"planes_of": {"x": ["u"]}}, r"names the anode 'x'; expected the number of an anode"),
    ],
)
def test_an_anode_without_a_network_for_a_plane(changed: dict[str, object], message: str) -> None:
    plain = {"planes": None, "planes_of": None, "classical": "gauss"}
    with pytest.raises(AnodeError, match=message):
        AnodeSettings(**{**plain, **changed}).choose({"u": metadata(), "v": metadata()})  # type: ignore[arg-type]


def test_networks_of_different_detectors() -> None:
    other = metadata("detector=small", "data.tick_range=[0,800]")
    with pytest.raises(AnodeError, match=r"plane u was .* 800 \+ 800 \+ 960 channels and 6000 ti"):
        CHOICE.choose({"u": metadata(), "v": other})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["network={u: small, x: small}"], "There is no plane x"),
        (["network={u: small, v: nowhere}"], "v: nowhere: expected a file or folder"),
        (["network={u: small, U: small}"], "names the planes u, u"),
        (["network={u: small}", "anode.planes=[Q]"], "Q in the list: expected one of u, v, w"),
        (["network={u: small}", "export.format=onnx"], "runs only TorchScript"),
    ],
)
def test_mistakes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit):
        export(tmp_path / "out", *arguments)
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out" / "anode.jsonnet").exists()


@pytest.mark.parametrize("network", ["{}", "{{v: {}}}"])
def test_channel_rebin(tmp_path: Path, capsys: pytest.CaptureFixture[str], network: str) -> None:
    path = checkpoint(build("unet", "data.channel_rebin=2"), tmp_path / "x.ckpt")
    with pytest.raises(SystemExit):
        export(tmp_path / "out", f"network={network.format(path)}")
    said = " ".join(capsys.readouterr().err.split())
    assert f"{path}: trained with data.channel_rebin=2; WCT's node averages over ticks" in said
    assert not list(tmp_path.glob("out/model.*"))


def test_training_says_that_its_export_cannot_run() -> None:
    module = build("unet", "data.channel_rebin=2")
    settings = ExportSettings(
        precision="float32",
        calibration=None,
        max_memory_mb=None,
        format="torchscript",
        licence=None,
    )
    with pytest.raises(ExportError, match=r"callbacks\.export: trained with data\.channel_rebin=2"):
        ExportTorchScript("model.ts", settings).check(module)  # type: ignore[arg-type]
