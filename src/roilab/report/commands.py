"""Commands of a run's page that a reader can copy."""

import shlex
from collections.abc import Sequence

from roilab.report.run_record import RunRecord

_NODE = """\
local dnnroi = import "{folder}/dnnroi.jsonnet";
local nodes = dnnroi.nodes(anode, apa, plane, model="{folder}/model.ts", device="cpu");
pg.pnode(nodes.roi, nin=1, nout=1, uses=[nodes.service, anode])"""


def deployment(run: RunRecord) -> dict[str, str]:
    """Return how to use the network, by purpose: in WCT, and on frames without WCT."""
    folder = run.folder.resolve()
    if not (folder / "model.ts").is_file():
        if run.checkpoint is None:
            return {}
        network = [f"network={run.checkpoint.resolve()}", f"output_dir={folder / 'delivery'}"]
        return {"Export the network for WCT": _line("export", network)}
    uses = {}
    if (folder / "dnnroi.jsonnet").is_file():
        uses["In a job of WCT, the node DNNROIFinding"] = _NODE.format(folder=folder)
    where = [f"network={folder / 'model.ts'}", "frames=FRAMES", "output_dir=predicted"]
    uses["Without WCT: find ROIs in frame files"] = _line("predict", where)
    return uses


def commands(run: RunRecord) -> dict[str, str]:
    """Return the other commands, by their purpose."""
    folder = run.folder.resolve()
    lines = {}
    if run.checkpoint is not None:
        network = f"network={run.checkpoint.resolve()}"
        lines[
            "Evaluate the network on tracks and showers of known angle (sample: a folder with a "
            "meta.json); this page shows the result when it is written again"
        ] = _line("evaluate", [network, "sample=FOLDER", f"output_dir={folder / 'evaluation'}"])
        lines["Export the network again"] = _line("export", [network])
    if run.command:
        kept = [text for text in run.command if not text.startswith(("output_dir=", "resume="))]
        again = [*kept, f"output_dir={folder}", "resume=auto"]
        lines["Continue from the last checkpoint"] = _line("train", again)
    lines["Write this page again"] = _line("report", [str(folder)])
    return lines


def _line(verb: str, arguments: Sequence[str]) -> str:
    return shlex.join(["python", "-m", f"roilab.{verb}", *arguments])
