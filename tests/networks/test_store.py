"""A tiny trained network, stored as a reference network and taken by name in every command."""

import csv
import hashlib
import io
import json
import re
import shutil
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import roilab
from known_network import fails
from physics_tables import evaluation_rows, write_table
from roilab import reference_networks
from roilab.benchmark.networks import open_networks
from roilab.cli import VERBS
from roilab.command_line.completion import candidates
from roilab.errors import RoilabError
from roilab.inference import StoredNetworkError, load_network, open_network, read_network
from roilab.inference.network_file import NetworkNameError, network_file
from roilab.inference.stored_network import full_weights, halve_weights
from roilab.inspect.__main__ import main as inspect_main
from roilab.inspect.networks import describe_network
from roilab.model_card import network_facts, trainings_behind
from roilab.networks import store
from roilab.networks.__main__ import main
from roilab.networks.comparison import MaskChanges, compare_masks
from roilab.networks.figures import pack_figures
from roilab.wirecell.torchscript import load_torchscript
from run_folders import write_picture

Run = Callable[..., None]


@pytest.fixture(scope="module")
def made() -> dict[str, Path]:
    return {}


@pytest.fixture
def run(made: dict[str, Path], run_train: Run, light_arguments: list[str], tmp_path: Path) -> Path:
    """Folder of a training of seconds, made once; read only."""
    if not made:
        run_train(
            *light_arguments,
            *("optimizer=adamw", "optimizer.lr=0.01", "loss=dice_bce", "trainer.max_epochs=15"),
            *("data.normalization=layer", "callbacks.early_stopping=null"),
        )
        made["run"] = tmp_path / "run"
    return made["run"]


@pytest.fixture
def box(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of reference networks that holds the training as ``tiny``."""
    folder = tmp_path / "box"
    assert main(["store", str(run), "tiny", "--output", str(folder)]) == 0
    monkeypatch.setattr(reference_networks, "FOLDER", folder)
    return folder


def test_stored_network_is_that_of_the_run(
    run: Path, box: Path, tracks_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["store", str(run), "tiny", "--output", str(tmp_path / "other")]) == 0
    printed = capsys.readouterr().out
    assert re.search(
        r"float16: \d+ of 2,304 mask pixels change .* on 1 validation image\n", printed
    )
    assert f"stored {tmp_path / 'other' / 'tiny.safetensors'}" in printed
    assert {path.name for path in box.iterdir()} == {
        f"tiny.{e}" for e in ("json", "md", "safetensors")
    }
    one, two = load_network(network_file(run)), load_network(network_file("tiny"))
    assert two.working_point.plain() == one.working_point.plain()
    stored = load_file(box / "tiny.safetensors")
    for name, weight in one.state_dict().items():
        kernel = weight.dim() > 1 and name.startswith("net.")
        assert stored[name].dtype == (torch.float16 if kernel else weight.dtype)
        expected = weight.half().float() if kernel else weight
        torch.testing.assert_close(two.state_dict()[name], expected, rtol=0, atol=0)
    frames = roilab.open(tracks_dir / "g4-rec-0.h5", one.recipe["data"]["detector"])
    plane = frames.plane("V")
    here, there = (roilab.load(network, device="cpu") for network in (run, "tiny"))
    assert (here.spec, here.node) == (there.spec, there.node)
    np.testing.assert_allclose(here(plane).probability, there(plane).probability, atol=5e-3)
    # The file by its path, too.
    again = roilab.load(box / "tiny.safetensors", device="cpu")
    np.testing.assert_array_equal(again(plane).probability, there(plane).probability)


def test_files_describe_the_training_without_folders(run: Path, box: Path, tmp_path: Path) -> None:
    text, card = ((box / f"tiny.{ending}").read_text() for ending in ("json", "md"))
    assert str(tmp_path) not in text + card
    assert not re.search(r'"[~/]', text)
    told, status = json.loads(text), json.loads((run / "status.json").read_text())
    assert told["about"]["detector"] == "detector not named"  # that of the tests has no name
    assert (told["about"]["planes"], told["about"]["rebin"]) == (["V"], 10)
    assert told["training"]["metrics"] == status["results"]["metrics"]
    assert told["training"]["data"] == status["results"]["data"]
    assert "optimizer.lr=0.01" in told["training"]["overrides"]
    assert told["licence"] == "BSD-3-Clause"
    assert told["float16"]["changed"] <= 0.01 * told["float16"]["marked"]
    assert "`network=tiny` is this network" in card
    assert "| training events | 4 events in 4 images of planes |" in card
    assert "| validation events | 1 events in 1 images of planes |" in card
    assert f"probability above {told['about']['mask_thresh']:g}" in card


def test_every_evaluation_of_the_run_is_read(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Metrics, figures and verdict; a network that is stored again loses its old figures."""
    copied, folder = tmp_path / "copy", tmp_path / "out"
    shutil.copytree(run, copied)
    thresh = load_network(network_file(run)).working_point.mask_thresh
    tables = {"evaluation": "tracks", "evaluation-2": "more"}
    for name, sample in tables.items():
        rows = evaluation_rows(sample=sample, mask_thresh=thresh)
        write_table(copied / name / "table.csv", rows)
        write_picture(copied / name / "figures" / f"bias-{sample}-V.png")
    assert main(["store", str(copied), "tiny", "--output", str(folder)]) == 0
    out, card = capsys.readouterr().out, (folder / "tiny.md").read_text()
    told = json.loads((folder / "tiny.json").read_text())["training"]
    assert told["verdict"]["kind"] == "better"
    assert "verdict    better. Better than gauss at 2 of 4 places" in out
    assert "**Better.** Better than gauss at 2 of 4 places" in card
    assert "| V | more | 80 | -3.0 ± 0.5 | -60.0 ± 0.5 |" in card
    names = [f"tiny-figures/{name}-figures-bias-{s}-V.png" for name, s in tables.items()]
    assert told["figures"] == names
    assert re.findall(r"!\[.*?\]\((.*?)\)", card) == names
    assert all((folder / name).is_file() for name in names)
    # The export of the stored network has them, and the same verdict.
    facts = network_facts(folder / "tiny.safetensors", read_network(folder / "tiny.safetensors"),
                          load_network(network_file(run)).working_point)  # fmt: skip
    assert facts.folder / facts.figures[0] == folder / names[0]
    shutil.rmtree(copied / "evaluation-2")
    assert main(["store", str(copied), "tiny", "--output", str(folder), "--overwrite"]) == 0
    assert [path.name for path in (folder / "tiny-figures").iterdir()] == [Path(names[0]).name]


def test_inspect_says_what_is_in_a_network(
    run: Path, box: Path, capsys: pytest.CaptureFixture[str], frames_dir: Path
) -> None:
    def inspected(*arguments: object, code: int = 0) -> str:
        assert inspect_main([str(one) for one in arguments]) == code
        out, err = capsys.readouterr()
        return out + " ".join(err.split())

    checkpoint = network_file(run)
    for one in (run, checkpoint, "tiny", box / "tiny.safetensors", box / "tiny.json"):
        out = inspected(one)
        for text in (
            *("10 ticks per slice", "loose_lf, mp2_roi, mp3_roi", "detector not named"),
            *("no sample. Not compared with gauss", "files, 4 events, 4 images"),
        ):
            assert text in out, (one, text)
    assert hashlib.sha256(checkpoint.read_bytes()).hexdigest() in inspected(checkpoint)
    both = inspected(frames_dir / "g4-rec-0.h5", "tiny", "--quick")
    assert "BSD-3-Clause" in both
    assert "loose_lf1" in both
    (box / "other.json").write_text("{}")
    assert "does not describe a network" in inspected(box / "other.json", code=1)
    assert "cannot be loaded" in inspected(box / "absent.ts", code=1)
    assert "holds no network" in inspected(frames_dir, code=1)


def test_list(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    out = capsys.readouterr().out
    for text in (
        "tiny",
        "detector not named",
        "rebin",
        "parameters",
        "mask threshold",
        "size [MB]",
    ):
        assert text in out
    (box / "tiny.json").write_text("{}")
    assert main([]) == 1
    assert "tiny.json: cannot be read" in capsys.readouterr().out
    for path in box.iterdir():
        path.unlink()
    assert main([]) == 0
    assert "roilab networks store RUN NAME" in capsys.readouterr().out


@pytest.fixture
def run_verb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    def run(verb: str, *arguments: str) -> None:
        given = [f"roilab.{verb}", *arguments, f"output_dir={tmp_path / verb}"]
        monkeypatch.setattr(sys, "argv", given)
        import_module(f"roilab.{verb}.__main__").main()

    return run


def test_every_command_takes_the_name(
    run_verb: Run, box: Path, tracks_dir: Path, tmp_path: Path
) -> None:
    """Five commands on real files, which takes seconds."""
    chosen = open_network("tiny").metadata["mask_thresh"]
    run_verb("evaluate", "network=tiny", f"sample={tracks_dir}", "scan=[]")
    with (tmp_path / "evaluate" / "table.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {float(row["mask_thresh"]) for row in rows if row["method"] == "dnn"} == {chosen}
    run_verb("export", "network=tiny")
    exported, metadata = load_torchscript(tmp_path / "export" / "model.ts")
    assert metadata["mask_thresh"] == chosen
    card = (tmp_path / "export" / "README.md").read_text()
    assert "| training events | 4 events in 4 images of planes |" in card
    assert "license: bsd-3-clause\n" in card  # that of the stored network
    sentence = json.loads((box / "tiny.json").read_text())["training"]["verdict"]["sentence"]
    _, said = describe_network(str(tmp_path / "export" / "model.ts"))
    assert sentence in said["verdict"]
    assert (said["precision"], said["training data"]) == ("float32", "2 files, 4 events, 4 images")
    image = torch.randn(1, 3, 48, 48)
    network = load_network(network_file("tiny"))
    with torch.no_grad():
        expected = network.net(network.normalization(image)).sigmoid()
        torch.testing.assert_close(exported(image), expected, atol=1e-5, rtol=0)
    run_verb("predict", "network=tiny", f"frames={tracks_dir}")
    told = json.loads((tmp_path / "predict" / "predictions.json").read_text())
    assert (told["node"]["mask_thresh"], told["planes"]) == (chosen, ["V"])
    given = {"network": "tiny", "models": None, "trust": []}
    (measured,) = open_networks(given)
    assert (measured.trained, measured.spec.mask_thresh) == (True, chosen)
    rec = tracks_dir / "g4-rec-0.h5"
    run_verb("display", "network=tiny", f"rec={rec}", "display.pictures=[display]")
    assert list((tmp_path / "display").glob("*.png"))


def test_a_training_from_its_weights_names_the_earlier_one(
    run: Path, box: Path, run_train: Run, light_arguments: list[str], tmp_path: Path
) -> None:
    """``model.weights`` takes the name; checkpoint, card, export and inspect say so."""
    with_export = [one for one in light_arguments if one != "callbacks.export=null"]
    again = [*with_export, "data.normalization=layer", "model.weights=tiny"]
    run_train(*again, "trainer.max_epochs=1", f"output_dir={tmp_path / 'second'}")
    run_train(
        *(*again, "trainer.max_epochs=2", "resume=auto", "resume_override=true"),
        f"output_dir={tmp_path / 'second'}",
    )
    second, third = tmp_path / "second", tmp_path / "third"
    run_train(
        *(*with_export, "data.normalization=layer", f"model.weights={second}"),
        *("trainer.max_epochs=1", f"output_dir={third}"),
    )
    first = "tiny: 4 training events"
    both = f"{first}<br>second: 4 training events"
    for folder, expected in ((second, first), (third, both)):
        card = (folder / "README.md").read_text()
        assert f"| began with the weights of | {expected} |" in card
        for network in (folder, folder / "model.ts"):
            _, said = describe_network(str(network))
            assert said["began with the weights of"] == expected.replace("<br>", "; then ")
    assert main(["store", str(third), "later", "--output", str(box)]) == 0
    assert both in (box / "later.md").read_text()
    assert [one["weights"] for one in trainings_behind(box / "later.safetensors")] == [
        *("tiny", "second", "later"),
    ]
    # Of weights of another program only the name of the file is known.
    other = tmp_path / "theirs.pth"
    torch.save(load_network(network_file(run)).net.state_dict(), other)
    assert trainings_behind(other) == [{"weights": "theirs.pth", "data": {}, "frames": []}]
    assert "began with the weights of" not in describe_network("tiny")[1]


def test_names_and_paths(
    box: Path,
    run: Path,
    run_verb: Run,
    tracks_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A name comes before a folder of this name; ./NAME and a Path are the folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny").symlink_to(run)
    assert network_file("tiny") == box / "tiny.safetensors"
    assert "write ./tiny for the file or folder" in caplog.text
    for path in ("./tiny", Path("tiny")):
        assert network_file(path).suffix == ".ckpt"
    assert "network=tiny" in candidates(["evaluate", "network=ti"], VERBS)
    text = "tinny: there is no such file, folder or reference network. Reference networks: tiny."
    with pytest.raises(NetworkNameError, match=re.escape(text)):
        roilab.load("tinny")
    err = fails(run_verb, capsys, "evaluate", "network=tinny", f"sample={tracks_dir}")
    assert "network=tinny: expected a file or folder that exists" in err
    assert "Reference networks: tiny." in err


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda box: (box / "tiny.json").unlink(), "tiny.json: cannot be read"),
        (lambda box: (box / "tiny.json").write_text("[]"), "tiny.json: cannot be read"),
        (lambda box: (box / "tiny.json").write_text('{"format": 9}'), "of this version of roilab"),
        (lambda box: change_byte(box / "tiny.safetensors"), "its SHA-256 differs"),
    ],
    ids=["absent", "no object", "version", "weights"],
)
def test_damaged_files(box: Path, damage: Callable[[Path], object], text: str) -> None:
    damage(box)
    with pytest.raises(StoredNetworkError, match=text):
        open_network(box / "tiny.safetensors")


def change_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_a_description_builds_only_known_classes(box: Path) -> None:
    told = json.loads((box / "tiny.json").read_text())
    told["recipe"]["model"]["net"]["_target_"] = "os.system"
    (box / "tiny.json").write_text(json.dumps(told))
    with pytest.raises(RoilabError, match=r"names 'os\.system'"):
        open_network("tiny")


def test_changed_pixels_are_counted(run: Path) -> None:
    checkpoint = network_file(run)
    network = load_network(checkpoint)
    same = compare_masks(network, network.state_dict(), checkpoint)
    assert (same.images, same.pixels, same.changed) == ("1 validation image", 48 * 48, 0)
    assert same.marked > 0
    # Without kernels and biases every probability is 0.5: nothing, or everything, is marked.
    nothing = {
        name: torch.zeros_like(w) if name.endswith(("weight", "bias")) else w
        for name, w in network.state_dict().items()
    }
    all_or_none = compare_masks(network, nothing, checkpoint)
    assert all_or_none.changed in (same.marked, 48 * 48 - same.marked)
    assert str(all_or_none).startswith(f"{all_or_none.changed:,} of 2,304 mask pixels change")


def test_without_its_frames_random_images_are_compared(run: Path) -> None:
    checkpoint = network_file(run)
    network = load_network(checkpoint)
    data = {**network.recipe["data"], "dir": "nowhere"}
    network.recipe = {**network.recipe, "data": data}
    rounded = full_weights(halve_weights(network.state_dict()))
    changes = compare_masks(network, rounded, checkpoint)
    assert (changes.images, changes.pixels) == ("3 random images", 3 * 48 * 48)


def test_runs_that_are_not_stored(
    run: Path,
    box: Path,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refused(*arguments: str) -> str:
        assert main(["store", *arguments, "--output", str(box)]) == 1
        return " ".join(capsys.readouterr().err.split())

    assert "holds tiny.safetensors, tiny.json, tiny.md already" in refused(str(run), "tiny")
    assert main(["store", str(run), "tiny", "--output", str(box), "--overwrite"]) == 0
    capsys.readouterr()
    assert "expected small letters" in refused(str(run), "Tiny network")
    assert "is no checkpoint" in refused(str(model), "other")
    with monkeypatch.context() as patch:
        many = MaskChanges("1 image", 100, 10, 5)
        patch.setattr(store, "compare_masks", lambda *arguments: many)
        assert "5 of 100 mask pixels change" in refused(str(run), "other")
    with monkeypatch.context() as patch:
        patch.setattr(store, "FOLDER", box)
        patch.setattr(store, "MAX_BYTES", 10_000)
        assert "expected at most 0.01 MB" in refused(str(run), "other")
    assert not (box / "other.safetensors").exists()


def test_packed_figures_keep_their_colours(tmp_path: Path) -> None:
    """Lines of two methods must stay apart: their colours are few pixels of a white figure."""
    image = Image.new("RGB", (300, 200), "white")
    for row, colour in enumerate(((213, 94, 0), (0, 114, 178), (0, 158, 115))):
        image.paste(colour, (0, 50 * row, 300, 50 * row + 2))
    for shade in range(200):  # rare colours, such as those at edges
        image.putpixel((shade, 190), (shade, shade, 255 - shade))
    image.save(tmp_path / "bias.png")
    image.save(tmp_path / "best-by-roi-efficiency.png")
    names = ["bias.png", "best-by-roi-efficiency.png", "absent.png"]
    packed = pack_figures(tmp_path, names, "tiny-figures")
    assert list(packed) == ["tiny-figures/bias.png"]
    with Image.open(io.BytesIO(packed["tiny-figures/bias.png"])) as read:
        assert read.mode == "P"
        pixels = read.convert("RGB")
    assert [pixels.getpixel((9, 50 * row)) for row in range(3)] == [
        *((213, 94, 0), (0, 114, 178), (0, 158, 115)),
    ]
