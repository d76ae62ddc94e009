"""Memory lines of a WCT job's log."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from roilab.benchmark.memory import segment_rows, step_rows
from roilab.benchmark.process import MeasurementError
from roilab.benchmark.wct_log import read_wct_log

CONF = Path(__file__).parents[2] / "conf" / "study" / "memory.yaml"
SEGMENT = OmegaConf.load(CONF).log_segment
LOG = """\
[10:00:00.000] I [ main ] configuring
[10:00:01.000] D [ glue ] <Main:> MEM: total: size=2000000K, res=1000000K increment: size=0K, res=0K start
[10:00:02.000] D [ torch ] <DNNROIFinding:dnnroi4v> APA4-V call=0
[10:00:02.001] D [ torch ] <DNNROIFinding:dnnroi4v> TICK: 3 ms (this: 3 ms) frame
[10:00:02.001] D [ torch ] <DNNROIFinding:dnnroi4v> MEM: total: size=2.1e+06K, res=1100000K increment: size=100000K, res=100000K 0 frame
[10:00:03.000] D [ torch ] <DNNROIFinding:dnnroi4v> MEM: total: size=3.2G, res=2.5e+06K increment: size=1.1G, res=1.4e+06K 3 forward
[10:00:04.000] D [ torch ] <DNNROIFinding:dnnroi4v> MEM: total: size=3.2G, res=1300000K increment: size=0K, res=-1.2e+06K 5 frame
MEM: total: size=4096M, res=2048M increment: size=10M, res=512M  retagged
apa4 plane u: MEM: total: size=4096M, res=2048M increment: size=0B, res=0 0 frame
"""  # noqa: E501


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "wct.log"
    path.write_text(LOG)
    return path


def test_lines_of_all_kinds(log: Path) -> None:
    rows = read_wct_log(log, SEGMENT)
    assert [(row["segment"], row["component"], row["step"]) for row in rows] == [
        ("job", "", "start"),
        ("APA4-V", "DNNROIFinding:dnnroi4v", "0 frame"),
        ("APA4-V", "DNNROIFinding:dnnroi4v", "3 forward"),
        ("APA4-V", "DNNROIFinding:dnnroi4v", "5 frame"),
        ("APA4-V", "", "retagged"),
        ("apa4-u", "", "0 frame"),
    ]
    kilo = 1024e-6
    after = [1e6 * kilo, 1.1e6 * kilo, 2.5e6 * kilo, 1.3e6 * kilo, 2048 * 1.048576]
    assert [row["after_mb"] for row in rows] == pytest.approx([*after, after[-1]])
    # The value before is the total of the line above, from any component.
    assert [row["before_mb"] for row in rows] == pytest.approx([after[0], *after])
    assert rows[3]["printed_mb"] == pytest.approx(-1.2e6 * kilo)
    assert rows[4]["printed_mb"] == pytest.approx(512 * 1.048576)
    assert rows[2]["size_mb"] == pytest.approx(3.2 * 1024**3 * 1e-6)


def test_segments_and_steps(log: Path) -> None:
    rows = [{"cell": "wct.log", **row} for row in read_wct_log(log, SEGMENT)]
    for row in rows:
        row["change_mb"] = row["after_mb"] - row["before_mb"]
    segments = segment_rows(rows)
    assert [row["segment"] for row in segments] == ["job", "APA4-V", "apa4-u"]
    node = segments[1]
    assert node["start_mb"] == pytest.approx(1024)
    assert node["end_mb"] == pytest.approx(2048 * 1.048576)
    assert node["change_mb"] == pytest.approx(node["end_mb"] - 1024)
    assert node["peak_mb"] == pytest.approx(2560)
    totals = {(row["component"], row["step"]): row for row in step_rows(rows)}
    # Growth between the node's last line and the next line counts for the next line.
    assert totals["", "retagged"]["change_mb"] == pytest.approx(2048 * 1.048576 - 1331.2)
    assert totals["DNNROIFinding:dnnroi4v", "5 frame"]["change_mb"] == pytest.approx(-1228.8)


def test_segments_of_another_expression(log: Path) -> None:
    names = [row["segment"] for row in read_wct_log(log, r"dnnroi\d\w")]
    assert names == ["job", *["dnnroi4v"] * 5]


NODE_LOG = """\
[10:00:00.000] D [ main ] executing 1 apps, thread limit 2:
[10:00:00.001] D [ main ] executing 1 apps, thread limit 2:
[10:00:01.000] D [ pgraph ] <Pgrapher:> ISourceNode<WireCell::IFrame> MEM: total: size=9M, res=8M increment: size=9M, res=1M call
[10:00:02.000] D [ torch ] <DNNROIFinding:roilab1v> MEM: total: size=9M, res=9M increment: size=0M, res=1M 0 frame
[10:00:03.000] D [ torch ] <DNNROIFinding:roilab1u> MEM: total: size=9M, res=9M increment: size=0M, res=0M 0 frame
[11:00:00.000] D [ main ] executing 1 apps:
[11:00:01.000] D [ pgraph ] <Pgrapher:> MEM: total: size=9M, res=3M increment: size=9M, res=2M call
"""  # noqa: E501


def test_nodes_of_the_exported_configuration_and_two_jobs(tmp_path: Path) -> None:
    path = tmp_path / "wct.log"
    path.write_text(NODE_LOG)
    rows = read_wct_log(path, SEGMENT)
    assert [(row["job"], row["segment"], row["component"]) for row in rows] == [
        (1, "job", ""),
        (1, "roilab1-v", "DNNROIFinding:roilab1v"),
        (1, "roilab1-u", "DNNROIFinding:roilab1u"),
        (2, "job", ""),
    ]
    mega = 1.048576
    # The second job does not continue from the memory of the first.
    assert [row["before_mb"] for row in rows] == pytest.approx([7 * mega, 8 * mega, 9 * mega, mega])


@pytest.mark.parametrize(
    ("text", "segment", "message"),
    [
        (None, SEGMENT, "wct.log: cannot be read .No such file"),
        ("a log\nMEM: nothing\n", SEGMENT, "wct.log: has no line 'MEM: total: size="),
        (LOG, "(", "log_segment=.: is not a regular expression"),
    ],
)
def test_logs_without_memory(tmp_path: Path, text: str | None, segment: str, message: str) -> None:
    path = tmp_path / "wct.log"
    if text is not None:
        path.write_text(text)
    with pytest.raises(MeasurementError, match=message):
        read_wct_log(path, segment)
