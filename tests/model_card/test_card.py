"""Model cards: front matter of the Hugging Face Hub, tables, facts, and links that exist."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from physics_tables import evaluation_rows, write_table
from roilab.inference import WorkingPoint
from roilab.model_card import (
    Card,
    TrainingFacts,
    card_metadata,
    format_card,
    network_facts,
    read_training_facts,
)
from roilab.model_card.frames import describe_frames
from roilab.model_card.tables import charge_table
from roilab.run_folder import run_of
from roilab.verdict import PhysicsTableError, read_run_tables
from run_folders import write_log, write_picture

POINT = WorkingPoint(0.5, 0.5, "fixed by model.mask_thresh")
RECIPE: dict[str, Any] = {
    "data": {
        "detector": {"name": "ProtoDUNE-HD"}, "dir": None, "train_files": None, "val_files": None,
        "val_fraction": 0.1, "batch_size": 4,
    },
    "loss": {"_target_": "torch.nn.BCEWithLogitsLoss"},
}  # fmt: skip
METADATA: dict[str, Any] = {
    "network": "small UNet", "planes": ["V"], "layers": ["loose_lf"], "rebin": 4, "seed": 1,
    "input_scale": 1 / 4000, "mask_thresh": 0.5, "truth_threshold": 100, "pad": 4,
    "pad_unit": "ticks", "git_commit": "abc", "versions": {"roilab": "0.1.0", "torch": "2.14"},
}  # fmt: skip
FACTS = TrainingFacts(
    epoch=3,
    metrics={"val/dice": 0.9, "val/loss": 0.1},
    data={"train": {"files": 2, "events": 1200, "images": 2400}, "val": {"events": 8, "images": 8}},
    frames=["mixture of cosmic 50 % and showers 50 %, simulated by roilab for ProtoDUNE-HD"],
    physics=evaluation_rows(),
    date="2026-11-28",
)


def card_text(facts: TrainingFacts, file: str = "model.ts", licence: str | None = "MIT") -> str:
    metadata = METADATA | card_metadata(RECIPE, POINT, facts, licence)
    return format_card(Card(RECIPE, POINT, metadata, facts, file, "5e" * 32))


def row_of(text: str, name: str) -> str:
    """Return the second cell of a table's row."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {name} |")]
    return line.split(" | ")[1].removesuffix(" |")


def test_the_hub_reads_the_front_matter(tmp_path: Path) -> None:
    from huggingface_hub import ModelCard  # takes a second to import

    path = tmp_path / "README.md"
    path.write_text(card_text(FACTS))
    card = ModelCard.load(path)  # raises where the metadata are not those of a model
    data = card.data
    assert (data.license, data.library_name, data.pipeline_tag) == (
        "mit", "roilab", "image-segmentation",
    )  # fmt: skip
    assert {"lartpc", "torchscript", "small-unet", "protodune-hd"} <= set(data.tags)
    assert data.model_name == "small UNet ProtoDUNE-HD"
    found = {(one.dataset_name, one.metric_type): one.metric_value for one in data.eval_results}
    # The means of the sizes at 0 and 80 degrees.
    assert found["tracks, plane V", "bias"] == pytest.approx((1 + 3) / 2)
    assert found["tracks, plane V", "inefficiency"] == pytest.approx(1)
    assert found["validation events", "dice"] == 0.9
    # What the package writes from what it read is the same metadata.
    assert ModelCard(str(card)).data.to_dict() == data.to_dict()


def test_a_licence_that_the_hub_does_not_know() -> None:
    assert "license: other\nlicense_name: my-own-licence\n" in card_text(
        FACTS, licence="My own licence"
    )
    text = card_text(FACTS, licence=None)
    assert "license" not in text.partition("\n# ")[0]
    assert row_of(text, "licence") == "not chosen yet; ask who trained it"


def test_facts_in_words() -> None:
    text = card_text(FACTS)
    assert "# small UNet for ROI finding, plane V of ProtoDUNE-HD\n" in text
    assert row_of(text, "training events") == "1,200 events in 2,400 images of planes"
    assert row_of(text, "validation events") == "8 events in 8 images of planes"
    assert row_of(text, "kind of events") == FACTS.frames[0]
    assert row_of(text, "date of training") == "2026-11-28"
    assert row_of(text, "SHA-256 of `model.ts`") == f"`{'5e' * 32}`"
    assert "## Verdict\n\n**Better.** Better than gauss at 80 degrees" in text
    assert "compared with gauss at 0 to 80 degrees, at some angles on only 2 events" in text
    bare = card_text(TrainingFacts(), "net.safetensors")
    assert "**No sample.**" in bare
    assert row_of(bare, "training events") == "not known"
    assert "nobody knows its bias" in bare
    assert "`network=net` is this network" in bare


@pytest.mark.parametrize(
    ("teacher", "name"),
    [
        ("outputs/large", "large"),
        ("outputs/large/checkpoints/best-epoch003.ckpt", "large"),
        ("exported/model.ts", "model.ts"),
        ("pdhd", "pdhd"),
    ],
)
def test_the_teacher_is_named(teacher: str, name: str) -> None:
    assert "| teacher |" not in card_text(FACTS)
    recipe = RECIPE | {"distill": {"teacher": teacher, "share": 0.5}}
    metadata = METADATA | card_metadata(recipe, POINT, FACTS, "MIT")
    text = format_card(Card(recipe, POINT, metadata, FACTS, "model.ts", "5e" * 32))
    assert row_of(text, "teacher") == f"`{name}`, 50 % of the target"


def test_charge_with_intervals() -> None:
    table = [line.split(" | ") for line in charge_table(FACTS.physics).splitlines()]
    assert [cell.strip("| ") for cell in table[0]] == [
        *("plane", "sample", "angle [deg]", "bias [%], network", "bias [%], gauss"),
        *("resolution [%], network", "resolution [%], gauss"),
        *("inefficiency [%], network", "inefficiency [%], gauss"),
        *("ROI purity, network", "ROI purity, gauss"),
    ]
    assert [cell.strip("| ") for cell in table[3]] == [
        *("V", "tracks", "80", "-3.0 ± 0.5", "-60.0 ± 0.5", "10.0 ± 0.5", "10.0 ± 0.5"),
        *("2.0 -0.5 +1.5", "30.0 -0.5 +1.5", "0.950", "0.500"),
    ]
    assert charge_table([]) == "The network was not evaluated on a sample of known angle."


def test_tables_of_a_run(tmp_path: Path) -> None:
    """An evaluation replaces the sample of the training; equal names of samples stay apart."""
    showers = [{**row, "sample": "showers"} for row in evaluation_rows()]
    write_table(tmp_path / "physics" / "best.csv", [*evaluation_rows(), *showers])
    assert [len(table.rows) for table in read_run_tables(tmp_path)] == [8]
    write_table(tmp_path / "evaluation" / "table.csv", evaluation_rows())
    write_table(tmp_path / "toolkit" / "tracks" / "table.csv", evaluation_rows())
    other = [{**row, "mask_thresh": 0.3} for row in evaluation_rows()]
    write_table(tmp_path / "evaluation-0.3" / "table.csv", other)
    only_gauss = [row for row in evaluation_rows() if row["method"] == "gauss"]
    write_table(tmp_path / "gauss" / "table.csv", only_gauss)
    tables = read_run_tables(tmp_path, mask_thresh=0.5)
    assert [table.path.relative_to(tmp_path).as_posix() for table in tables] == [
        *("evaluation/table.csv", "toolkit/tracks/table.csv", "physics/best.csv"),
    ]
    samples = [{row["sample"] for row in table.rows} for table in tables]
    assert samples == [{"tracks"}, {"tracks (tracks)"}, {"showers"}]
    (tmp_path / "evaluation" / "table.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(PhysicsTableError, match=r"evaluation/table\.csv: cannot be read"):
        read_run_tables(tmp_path)


def test_facts_of_a_run(tmp_path: Path) -> None:
    write_log(tmp_path, [0.5, 0.25])
    status = {"ended": "2026-11-28T23:12:33+00:00", "versions": {"torch": "2.6"}, "git_commit": "c"}
    results = {"data": {"train": {"events": 3, "images": 3}}}
    (tmp_path / "status.json").write_text(json.dumps(status | {"results": results}))
    write_table(tmp_path / "evaluation" / "table.csv", evaluation_rows())
    write_picture(tmp_path / "evaluation" / "figures" / "bias-tracks-V.png")
    write_picture(tmp_path / "pictures" / "loss.png")
    write_picture(tmp_path / "pictures" / "best-by-roi-efficiency.png")
    facts = read_training_facts(tmp_path, 1, RECIPE, POINT)
    assert (facts.date, facts.commit, facts.versions) == ("2026-11-28", "c", {"torch": "2.6"})
    assert facts.metrics["val/loss"] == 0.25
    assert facts.data == results["data"]
    assert len(facts.physics) == 4
    links = re.findall(r"!\[.*?\]\((.*?)\)", card_text(facts))
    assert len(links) == 3
    assert all((tmp_path / link).is_file() for link in links)
    # The evaluations are of the best checkpoint, not of another one.
    point = replace(POINT, epoch=1)
    assert read_training_facts(tmp_path, 0, RECIPE, point).physics == []


def test_where_frames_come_from(frames_dir: Path, tmp_path: Path) -> None:
    names = {"rec": "g4-rec-*.h5", "tru": "g4-tru-*.h5"}
    data = {**RECIPE["data"], **names, "test_files": None, "dir": str(tmp_path)}
    for file in frames_dir.glob("*.h5"):
        (tmp_path / file.name).symlink_to(file)
    assert describe_frames(data) == []  # frames of another program
    mixture = {"_target_": "a.Mixture", "shares": {"cosmic": 3, "showers": 1}}
    made = {"generator": mixture, "detector": {"name": "small"}, "seed": 7}
    (tmp_path / "simulation.json").write_text(json.dumps(made))
    text = "mixture of cosmic 75 % and showers 25 %, simulated by roilab for small (seed 7)"
    assert describe_frames(data) == [text]
    rec = str(tmp_path / "g4-rec-0.h5")
    (tmp_path / "images").mkdir()
    prepared = f'{{\n"format": 1,\n"files": [["{rec}", "tru", null]],\n"images": []\n}}'
    (tmp_path / "images" / "prepared.json").write_text(prepared)
    assert describe_frames({**data, "dir": str(tmp_path / "images")}) == [text]
    muons = {"simulation": {"generator": {"_target_": "a.CosmicRays"}, "seed": 1}}
    assert describe_frames(muons) == [
        "cosmic rays, simulated by roilab for a detector without name (seed 1)"
    ]
    assert describe_frames({**data, "dir": str(tmp_path / "gone")}) == []


def test_a_checkpoint_outside_of_a_run_takes_nothing_from_folders_around_it(tmp_path: Path) -> None:
    (tmp_path / "others" / "pictures").mkdir(parents=True)
    (tmp_path / "others" / "pictures" / "loss.png").write_bytes(b"png")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "loss.png").write_bytes(b"png")
    assert run_of(tmp_path / "copied" / "best.ckpt") is None
    assert run_of(tmp_path / "run" / "checkpoints" / "best.ckpt") == tmp_path / "run"
    content = {"epoch": 3, "roilab_recipe": RECIPE}
    facts = network_facts(tmp_path / "copied" / "best.ckpt", content, POINT)
    assert (facts.epoch, facts.figures, facts.physics) == (3, (), ())
