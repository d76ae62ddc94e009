"""Configuration of WCT's node for a network, as plain data and as jsonnet.

Source: Wire-Cell Toolkit, pytorch/inc/WireCellPytorch/DNNROIFinding.h and TorchService.cxx.
"""

import json
from collections.abc import Mapping
from typing import Any

from roilab.detectors import Readout

_PLANES = ("U", "V", "W")
# Keys that are copied unchanged into the node's configuration.
_NODE_KEYS = (
    "sort_chanids", "input_scale", "input_offset", "mask_thresh", "nticks", "tick_per_slice",
    "tick_pad_multiple", "nchunks",
)  # fmt: skip
_JSONNET = """\
// TorchService and DNNROIFinding for the network in {file}. Use in a job's configuration:
//   local dnnroi = import "dnnroi.jsonnet";
//   local nodes = dnnroi.nodes(anode, apa, plane);
//   pg.pnode(nodes.roi, nin=1, nout=1, uses=[nodes.service, anode])
// anode: the anode's object or its "type:name"; apa: its number; plane: 0, 1 or 2.
// summary_tag: tag of which the node copies the summary, such as "wiener%d" % apa; every trace
// of that tag in the frame must have a summary, else the job dies. Empty: no summary.
// untrained: true: also for a plane that the network was not trained on.
local plain = {plain};
local planes = if std.isArray(plain.plane) then plain.plane else [plain.plane];
local letters = ["u", "v", "w"];
local tn(object) =
  if std.isString(object) then object
  else if std.get(object, "name", "") == "" then object.type
  else object.type + ":" + object.name;

plain + {{
  nodes(anode, apa, plane, model="{file}", device="cpu", summary_tag="", untrained=false)::
    assert untrained || std.member(planes, plane) :
      "this network was made for plane " + std.toString(plain.plane) + ", not for " + plane;
    local service = {{
      type: "TorchService",
      name: "roilab-" + model + "-" + device,
      data: {{ model: model, device: device }},
    }};
    {{
      service: service,
      roi: {{
        type: "DNNROIFinding",
        name: "roilab" + apa + letters[plane],
        data: {{
          anode: tn(anode),
          plane: plane,
          intags: [tag % apa for tag in plain.intags],
          decon_charge_tag: plain.decon_charge_tag % apa,
          summary_tag: summary_tag,
          outtag: (plain.outtag % apa) + letters[plane],
          forward: tn(service),
        }} + {{ [key]: plain[key] for key in {keys} }},
      }},
    }},
}}
"""


def node_configuration(data: Mapping[str, Any], mask_thresh: float) -> dict[str, Any]:
    """Return the settings of DNNROIFinding by the node's names.

    Tags end in ``%d`` for the APA number. ``plane`` is a number, or a list of numbers for a network
    that was trained on several planes. ``data`` is the data config of the training.
    """
    numbers = [_PLANES.index(plane) for plane in data["planes"]]
    first, last = Readout.from_config(data).tick_range
    return {
        "intags": [f"{layer}%d" for layer in data["layers"]],
        "decon_charge_tag": "decon_charge%d",
        "outtag": "dnnsp%d",
        "plane": numbers[0] if len(numbers) == 1 else numbers,
        "sort_chanids": True,  # rows in order of channel id, as the network was trained
        "input_scale": data["input_scale"] if data["normalization"] == "scalar" else 1.0,
        "input_offset": 0.0,
        "tick_per_slice": data["rebin"],
        "tick_pad_multiple": data["rebin"],
        "nticks": last - first,
        "nchunks": 1,
        "mask_thresh": mask_thresh,
        "n_layers": len(data["layers"]),
    }


def node_jsonnet(metadata: Mapping[str, Any], file: str) -> str:
    """Return the text of a jsonnet file: the metadata, and ``nodes(anode, apa, plane)``.

    The metadata have at least the keys of ``node_configuration``; ``file`` is the TorchScript file.
    """
    plain = json.dumps(metadata, indent=2)
    return _JSONNET.format(file=file, plain=plain, keys=json.dumps(list(_NODE_KEYS)))
