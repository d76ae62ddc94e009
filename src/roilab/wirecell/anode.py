"""The ROI finding of a complete anode as a subgraph of a WCT job, as jsonnet.

Source: Wire-Cell Toolkit, cfg/pgrapher/experiment/pdhd/dnnroi.jsonnet, aux/src/PlaneSelector.cxx,
gen/src/FrameFanin.cxx and Retagger.cxx.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import PurePosixPath

ANODE_FILE = "anode.jsonnet"
# Tags of the signal processing that leave the subgraph beside dnnsp%d, as production expects.
_KEPT = ("gauss", "wiener")
_HEAD = """\
// The ROI finding of a complete anode: a DNNROIFinding for every plane with a network, a
// PlaneSelector of {classical_words} for the others. Arguments and output tags are those of WCT's
// dnnroi.jsonnet, so that a job changes one import:
//   local dnnroi = import "FOLDER/{name}";
//   dnnroi(anode, ts)
// anode: the anode's object. The frame that leaves has dnnsp%d of all planes, gauss%d and wiener%d.
// ts: a TorchService of the job, whose settings (device, semaphore) are kept, without its model;
//   null: one on `device`. Every network has a service.
// prefix: of the names of nodes. output_scale: factor on the charge inside the networks' ROIs.
// nticks, mask_thresh: null: those of the network. tick_per_slice: null, or the network's.
// nchunks: chunks of channels; they change ROIs at their edges.
// summary_tag: tag whose summary dnnsp%d carries, such as "wiener%d"; every trace of it needs one.
// keep: false: only dnnsp%d leaves.
"""


@dataclass(frozen=True)
class AnodePlanes:
    """Which planes of the anodes go through a network.

    Attributes:
        planes: letters ``u``, ``v``, ``w``; of an anode that ``planes_of`` does not name.
        planes_of: the same for single anodes, by their number.
        classical: tag of the charge of the other planes, without the anode's number; ``None``
            where there are none.
    """

    planes: Sequence[str]
    planes_of: Mapping[int, Sequence[str]]
    classical: str | None


def anode_jsonnet(networks: Mapping[str, PurePosixPath], planes: AnodePlanes) -> str:
    """Return the text of a jsonnet file whose value is a function from an anode to its subgraph.

    Args:
        networks: the network's file of every plane (``u``, ``v``, ``w``), relative to the jsonnet
            file; beside each lies a ``dnnroi.jsonnet``.
        planes: which of them an anode uses.
    """
    words = "no other plane" if planes.classical is None else f"`{planes.classical}%d`"
    imports = [
        f"  {letter}: {{ file: {json.dumps(str(file))}, "
        f"library: import {json.dumps(str(file.parent / 'dnnroi.jsonnet'))} }},"
        for letter, file in sorted(networks.items())
    ]
    by_anode = {str(apa): list(letters) for apa, letters in sorted(planes.planes_of.items())}
    return "\n".join([
        _HEAD.format(classical_words=words, name=ANODE_FILE).rstrip(),
        *("local networks = {", *imports, "};"),
        f"local planes = {json.dumps(list(planes.planes))};",
        f"local planes_of = {json.dumps(by_anode)};  // of single anodes",
        f"local classical = {json.dumps(planes.classical or '')};  // of planes without network",
        f"local kept = {json.dumps(_KEPT)};  // further tags of the frame that leaves",
        (files("roilab.wirecell") / ANODE_FILE).read_text(),
    ])  # fmt: skip
