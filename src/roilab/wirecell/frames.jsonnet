// Frames for roilab from the Wire-Cell Toolkit's own simulation and signal processing: depositions
// in, g4-rec-N.h5 and g4-tru-N.h5 out, one pair for every anode N. The detector's configuration is
// that of the toolkit, which WIRECELL_PATH must hold (cfg and wire-cell-data).
//   wire-cell -l stdout -A depos=depos-0.npz -A detector=pdhd --tla-code 'anodes=[1]' frames.jsonnet
// depos: archive of depo_data_N and depo_info_N, such as roilab simulate output=depos writes.
// detector: a field of `detectors` below. anodes: numbers; null: all.
// output: start of the names of the files. tags: written from the signal processing, without number.
// noise: false: signal only. processing: settings of OmnibusSigProc in place of those here.
// scale: factor on the charge; -1 where electrons count as positive, as in files of LArSoft.
local pg = import 'pgraph.jsonnet';
local wc = import 'wirecell.jsonnet';

// Imports are evaluated only for the chosen detector.
local detectors = {
  // Widening of charge by the filters of the signal processing, for U, V and W: in ticks along the
  // drift, in wires across it. Measured for ProtoDUNE-SP by the toolkit's wirecell-gen morse.
  local protodune = {
    smear_long: [2.691862363980221, 2.6750200122535057, 2.7137567141154055],
    smear_tran: [0.7377218875719689, 0.7157764520393882, 0.13980698710556544],
  },
  pdhd: {
    params: import 'pgrapher/experiment/pdhd/simparams.jsonnet',
    sim: import 'pgrapher/experiment/pdhd/sim.jsonnet',
    sp: import 'pgrapher/experiment/pdhd/sp.jsonnet',
    // The L1 fit after it keeps only gauss and wiener.
    process(sp, anode): sp.make_sigproc(anode, l1sp_pd_mode=''),
    splat: protodune,
  },
  pdsp: {
    params: import 'pgrapher/experiment/pdsp/simparams.jsonnet',
    sim: import 'pgrapher/experiment/pdsp/sim.jsonnet',
    sp: import 'pgrapher/experiment/pdsp/sp.jsonnet',
    process(sp, anode): sp.make_sigproc(anode),
    splat: protodune,
  },
  pdvd: {
    params: import 'pgrapher/experiment/protodunevd/simparams.jsonnet',
    sim: import 'pgrapher/experiment/protodunevd/sim.jsonnet',
    sp: import 'pgrapher/experiment/protodunevd/sp.jsonnet',
    process(sp, anode): sp.make_sigproc(anode, l1sp_pd_mode=''),
    splat: protodune,
  },
  dunehd: {
    params: (import 'pgrapher/experiment/dune10kt-1x2x6/simparams.jsonnet')({}),
    sim: import 'pgrapher/experiment/dune10kt-1x2x6/sim.jsonnet',
    sp: import 'pgrapher/experiment/dune10kt-1x2x6/sp.jsonnet',
    process(sp, anode): sp.make_sigproc(anode, anode.data.ident),
    splat: protodune,
  },
  sbnd: {
    params: import 'pgrapher/experiment/sbnd/simparams.jsonnet',
    sim: import 'pgrapher/experiment/sbnd/sim.jsonnet',
    sp: import 'pgrapher/experiment/sbnd/sp.jsonnet',
    process(sp, anode): sp.make_sigproc(anode),
    splat: { smear_long: [3.5, 3.5, 3.5], smear_tran: [0.4, 0.4, 0.14] },
  },
};

function(depos, detector, anodes=null, output='g4',
         tags=['loose_lf', 'mp2_roi', 'mp3_roi', 'gauss', 'decon_charge'],
         noise=true, processing={}, scale=1.0)
  assert std.objectHas(detectors, detector) :
    'detector=%s: there is %s' % [detector, std.join(', ', std.objectFields(detectors))];
  local chosen = detectors[detector];
  local params = chosen.params;
  local tools = (import 'pgrapher/common/tools.jsonnet')(params);
  local sim = chosen.sim(params, tools);
  // Keys of OmnibusSigProc by tag; frames of the first group are kept only if they are written.
  local steps = {
    tight_lf: 'tight_lf_tag',
    cleanup_roi: 'cleanup_roi_tag',
    break_roi_1st: 'break_roi_loop1_tag',
    break_roi_2nd: 'break_roi_loop2_tag',
    shrink_roi: 'shrink_roi_tag',
    extend_roi: 'extend_roi_tag',
  };
  local keys = steps {
    loose_lf: 'loose_lf_tag',
    mp2_roi: 'mp2_roi_tag',
    mp3_roi: 'mp3_roi_tag',
    decon_charge: 'decon_charge_tag',
  };
  // Set for every anode: not every sp.jsonnet of the toolkit puts the number of the anode there.
  local sp_of(apa) = chosen.sp(params, tools, {
    sparse: false,
    use_roi_debug_mode: true,
    use_multi_plane_protection: true,
  } + {
    [keys[tag]]: if std.objectHas(steps, tag) && !std.member(tags, tag) then '' else tag + apa
    for tag in std.objectFields(keys)
  } + processing);
  local wanted(n) = anodes == null || std.member(anodes, tools.anodes[n].data.ident);
  local numbers = std.filter(wanted, std.range(0, std.length(tools.anodes) - 1));
  assert anodes == null || std.length(numbers) == std.length(std.set(anodes)) :
    'anodes=%s: %s has the anodes %s' %
    [anodes, detector, [anode.data.ident for anode in tools.anodes]];

  local source = pg.pnode({
    type: 'DepoFileSource',
    name: 'depos',
    data: { inname: depos, scale: scale },
  }, nin=0, nout=1);
  local drifter = pg.pnode({
    type: 'DepoSetDrifter',
    name: 'drifter',
    data: { drifter: 'Drifter' },
  }, nin=1, nout=1, uses=[sim.drifter]);

  // Rows are written one by one, so that a tag with few channels can be compressed too.
  local tap(kind, apa, tags, nticks) = pg.pnode({
    type: 'HDF5FrameTap',
    name: '%s%d' % [kind, apa],
    data: {
      filename: '%s-%s-%d.h5' % [output, kind, apa],
      trace_tags: [tag + apa for tag in tags],
      tick0: 0,
      nticks: nticks,
      gzip: 2,
      chunk: [1, nticks],
    },
  }, nin=1, nout=1);
  local end(kind, apa) = pg.pnode({
    type: 'DumpFrames',
    name: '%s%d' % [kind, apa],
    data: {},
  }, nin=1, nout=0);

  local reconstruction(n) =
    local anode = tools.anodes[n];
    local apa = anode.data.ident;
    pg.pipeline([
      if noise then sim.splusn_pipelines[n] else sim.signal_pipelines[n],
      chosen.process(sp_of(apa), anode),
      tap('rec', apa, tags, params.daq.nticks),
      end('rec', apa),
    ], 'rec%d' % apa);

  local truth(n) =
    local anode = tools.anodes[n];
    local apa = anode.data.ident;
    local window = params.sim.ductor.readout_time;
    pg.pipeline([
      pg.pnode({
        type: 'DepoFluxSplat',
        name: 'truth%d' % apa,
        data: {
          anode: wc.tn(anode),
          field_response: wc.tn(tools.field),
          sparse: true,
          tick: params.daq.tick,
          window_start: params.sim.ductor.start_time,
          window_duration: window,
          // Times stay absolute: roilab places the truth on the ticks of the reconstruction.
          reference_time: 0.0,
        } + chosen.splat,
      }, nin=1, nout=1, uses=[anode, tools.field]),
      pg.pnode({
        type: 'Retagger',
        name: 'truth%d' % apa,
        data: {
          tag_rules: [{ frame: { '.*': 'deposplat%d' % apa }, merge: { '.*': 'deposplat%d' % apa } }],
        },
      }, nin=1, nout=1),
      tap('tru', apa, ['deposplat'], std.floor(window / params.daq.tick)),
      end('tru', apa),
    ], 'tru%d' % apa);

  local branches = std.flattenArrays([[reconstruction(n), truth(n)] for n in numbers]);
  local fanout = pg.pnode({
    type: 'DepoSetFanout',
    name: 'depos',
    data: { multiplicity: std.length(branches) },
  }, nin=1, nout=std.length(branches));
  local graph = pg.intern(
    innodes=[source],
    centernodes=[drifter, fanout] + branches,
    edges=[pg.edge(source, drifter), pg.edge(drifter, fanout)] +
          [pg.edge(fanout, branches[n], n, 0) for n in std.range(0, std.length(branches) - 1)],
  );
  [
    {
      type: 'wire-cell',
      data: {
        plugins: ['WireCellAux', 'WireCellGen', 'WireCellHio', 'WireCellPgraph', 'WireCellSigProc', 'WireCellSio'],
        apps: ['Pgrapher'],
      },
    },
  ] + pg.uses(graph) + [{ type: 'Pgrapher', data: { edges: pg.edges(graph) } }]
