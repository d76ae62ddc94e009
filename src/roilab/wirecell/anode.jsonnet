local pg = import "pgraph.jsonnet";

local letters = ["u", "v", "w"];
local parts = std.split(std.thisFile, "/");
local folder = std.join("", [part + "/" for part in parts[:std.length(parts) - 1]]);
local tn(object) =
  if std.get(object, "name", "") == "" then object.type else object.type + ":" + object.name;

function(anode, ts=null, prefix="dnnroi", output_scale=1.0, nticks=null, tick_per_slice=null,
         nchunks=1, mask_thresh=null, summary_tag="", device="cpu", keep=true)
  local apa = anode.data.ident;
  local base = prefix + apa;
  local chosen = std.get(planes_of, std.toString(apa), planes);
  local summaries = if summary_tag == "" then [] else [summary_tag % apa];

  local service(letter, name) =
    local file = folder + networks[letter].file;
    if ts == null then { type: "TorchService", name: name, data: { model: file, device: device } }
    else
      assert std.isObject(ts) && std.get(ts, "type") == "TorchService" && std.objectHas(ts, "data") :
        "ts: expected a TorchService with data, or null; its settings are kept, its model is not";
      ts + { name: name, data+: { model: file } };

  // A plane with a network.
  local finder(plane) =
    local letter = letters[plane];
    local network = networks[letter];
    local where = if ts == null then device else std.get(ts.data, "device", device);
    local rebin = network.library.tick_per_slice;
    assert tick_per_slice == null || tick_per_slice == rebin :
      "tick_per_slice=" + tick_per_slice + ": the network of plane " + letter +
      " was trained at " + rebin + "; leave tick_per_slice out, or export another network";
    local nodes = network.library.nodes(
      anode, apa, plane, model=folder + network.file, device=where, untrained=true);
    local torch = service(letter, nodes.service.name);
    pg.pnode(nodes.roi {
      name: base + letter,
      data+: {
        forward: tn(torch),
        output_scale: output_scale,
        nchunks: nchunks,
        summary_tag: if summaries == [] then "" else summaries[0],
        [if nticks != null then "nticks"]: nticks,
        [if mask_thresh != null then "mask_thresh"]: mask_thresh,
      },
    }, nin=1, nout=1, uses=[torch, anode]);

  // Traces of one plane: of every tag, `outs[tag]` is its new tag.
  local selector(plane, name, outs, summary_tags) = pg.pnode({
    type: "PlaneSelector",
    name: base + letters[plane] + name,
    data: {
      anode: tn(anode),
      plane: plane,
      tags: [tag + apa for tag in std.objectFields(outs)],
      [if summary_tags != [] then "summary_tags"]: summary_tags,
      tag_rules: [{
        frame: { ".*": "DNNROIFinding" },
        trace: {
          [tag + apa]: outs[tag] + apa + letters[plane]
          for tag in std.objectFields(outs)
        },
      }],
    },
  }, nin=1, nout=1, uses=[anode]);

  local branches(plane) =
    local found = {
      plane: plane,
      tags: ["dnnsp"],
      node: if std.member(chosen, letters[plane]) then finder(plane)
      else selector(plane, "", { [classical]: "dnnsp" }, summaries),
    };
    // In a branch apart: with summary_tag, gauss would get the summary of another tag.
    local unchanged = {
      plane: plane,
      tags: kept,
      node: selector(plane, "_kept", { [tag]: tag for tag in kept }, []),
    };
    [found] + (if keep then [unchanged] else []);
  local all = std.flattenArrays([branches(plane) for plane in [0, 1, 2]]);
  local count = std.length(all);
  local nodes = [branch.node for branch in all];
  local out = "dnnsp" + apa;

  local fanout = pg.pnode({
    type: "FrameFanout",
    name: base,
    data: { multiplicity: count },
  }, nin=1, nout=count);

  // A frame has one list of traces for a tag, so a tag of several planes gets their letters here.
  local fanin = pg.pnode({
    type: "FrameFanin",
    name: base,
    data: {
      multiplicity: count,
      tag_rules: [
        local names = [tag + apa + letters[branch.plane] for tag in branch.tags];
        { frame: { ".*": out }, trace: { [name]: name for name in names } }
        for branch in all
      ],
    },
  }, nin=count, nout=1);

  local retagger = pg.pnode({
    type: "Retagger",
    name: base,
    data: {
      tag_rules: [{
        frame: { ".*": out },
        merge: {
          [tag + apa + "[uvw]"]: tag + apa
          for tag in ["dnnsp"] + (if keep then kept else [])
        },
      }],
    },
  }, nin=1, nout=1);

  pg.intern(
    innodes=[fanout],
    outnodes=[retagger],
    centernodes=nodes + [fanin],
    edges=[pg.edge(fanout, nodes[n], n, 0) for n in std.range(0, count - 1)] +
          [pg.edge(nodes[n], fanin, 0, n) for n in std.range(0, count - 1)] +
          [pg.edge(fanin, retagger, 0, 0)],
    name=base,
  )
