"""Tables of the simulation: the group ``simulation``, its parts and the detector."""

from collections.abc import Mapping

from roilab.config.combined_kinds import Each, Free, ListOf
from roilab.config.kinds import Choice, Kind, Number, Text, Whole
from roilab.config.limits import COUNT, NOT_NEGATIVE, PART, POSITIVE, SIZE, TAGS

_PLANE = Choice("u", "v", "w")
_ANGLE = Number(low=0, high=90)
_ANGLES = ListOf(kind=_ANGLE, least=1)
_LIMITS = ListOf(kind=NOT_NEGATIVE, least=2, most=2)
_COUNTS = ListOf(kind=SIZE, least=2, most=2)
_ANY = Number()
# One value for each of U, V, W.
_THREE = ListOf(kind=NOT_NEGATIVE, least=3, most=3)
_SIMULATED = (
    *("orig", "raw", "decon_charge", "loose_lf", "tight_lf", "mp2_roi", "mp3_roi", "gauss"),
    "wiener",
)

SIMULATION: Mapping[str, Kind] = {
    "seed": SIZE,
    "events": COUNT,
    "events_per_file": COUNT,
    "first_event": SIZE,
    "containers": ListOf(kind=Choice("h5", "npz", "tar", "tar.gz", "tar.bz2"), least=1),
    "planes": ListOf(kind=_PLANE, least=1),
    "tags": ListOf(kind=Choice(*_SIMULATED), least=1),
    "rounding": Each.of(POSITIVE),
}

_SCATTERED: Mapping[str, Kind] = {
    "number": _COUNTS,
    "planes": ListOf(kind=_PLANE, least=1),
    "theta_xz_deg": ListOf(kind=_ANGLE, least=2, most=2),
    "theta_y_deg": _LIMITS,
    "margin_mm": NOT_NEGATIVE,
}

_FIELD: Mapping[str, Kind] = {
    "pitch_mm": ListOf(kind=POSITIVE, least=3, most=3),
    "heights_mm": ListOf(kind=NOT_NEGATIVE, least=3, most=4),
    "ground_mm": POSITIVE,
    "radius_mm": POSITIVE,
    "bias_volts": ListOf(kind=_ANY, least=3, most=4),
    "drift_field_kv_per_cm": POSITIVE,
    "drift_speed_mm_per_us": POSITIVE,
    "duration_us": POSITIVE,
}
_ELECTRONICS: Mapping[str, Kind] = {
    "gain_mv_per_fc": POSITIVE,
    "peaking_us": POSITIVE,
    "adc_bits": COUNT,
    "adc_range_mv": POSITIVE,
    "baseline_adc": _THREE,
}

SIMULATION_PARTS: Mapping[str, Mapping[str, Kind]] = {
    "roilab.detectors.Detector": {
        "name": Text(),
        "apa": SIZE,
        "first_channel": SIZE,
        "wire_x_mm": _ANY,
        "drift_sign": Whole(low=-1, high=1),
        "drift_mm": POSITIVE,
        "response_plane_mm": NOT_NEGATIVE,
        "bottom_mm": _ANY,
        "height_mm": POSITIVE,
        "front_mm": _ANY,
        "width_mm": POSITIVE,
        "drift_speed_mm_per_us": POSITIVE,
        "diffusion_long_cm2_per_s": NOT_NEGATIVE,
        "diffusion_tran_cm2_per_s": NOT_NEGATIVE,
        "lifetime_ms": POSITIVE,
        "tick_ns": POSITIVE,
        "nticks": COUNT,
        "tick0_ns": _ANY,
        "layers": TAGS,
        "track_mm": POSITIVE,
        "shower_mm": POSITIVE,
    },
    "roilab.detectors.Numbering": {
        "period": COUNT,
        "first_channels": ListOf(kind=ListOf(kind=SIZE, least=3, most=3), least=1),
    },
    "roilab.detectors.AnodeField": _FIELD,
    "roilab.detectors.Electronics": {**_ELECTRONICS, "noise_electrons": _THREE},
    "roilab.detectors.WirePlane": {
        "pitch_mm": POSITIVE,
        "pitch_angle_deg": _ANY,
        "wires": COUNT,
        "channels": COUNT,
        "first_wire_mm": _ANY,
    },
    "roilab.simulate.ionisation.Ionisation": {
        "step_mm": POSITIVE,
        "electrons_per_mm": POSITIVE,
        "electrons_per_mm_spread": NOT_NEGATIVE,
        "landau_electrons_per_mm": NOT_NEGATIVE,
        "largest_mev": POSITIVE,
        "electrons_per_mev": POSITIVE,
        "electron_mev_per_mm": POSITIVE,
    },
    "roilab.simulate.cosmic.CosmicRays": {
        "muons": _COUNTS,
        "deltas_per_m": NOT_NEGATIVE,
        "delta_mev": _LIMITS,
        "blips": _COUNTS,
        "blip_mev": _LIMITS,
        "shortest_mm": NOT_NEGATIVE,
        "prolonged": _COUNTS,
        "prolonged_planes": ListOf(kind=_PLANE, least=1),
        "prolonged_deg": ListOf(kind=_ANGLE, least=2, most=2),
        "prolonged_theta_y_deg": _LIMITS,
    },
    "roilab.simulate.cascade.Cascade": {
        "radiation_length_mm": POSITIVE,
        "critical_mev": POSITIVE,
        "moliere_mm": POSITIVE,
        "shape": POSITIVE,
        "branch_mev": POSITIVE,
    },
    "roilab.simulate.showers.Showers": {
        "plane": _PLANE,
        "energy_mev": ListOf(kind=POSITIVE, least=1),
        "theta_xz_deg": _ANGLES,
        "margin_mm": NOT_NEGATIVE,
        "axis_mm": POSITIVE,
    },
    "roilab.simulate.scattered.ScatteredShowers": {
        **_SCATTERED,
        "energy_mev": _LIMITS,
        "axis_mm": POSITIVE,
    },
    "roilab.simulate.scattered.ScatteredTracks": {
        **_SCATTERED,
        "length_mm": _LIMITS,
        "density": _LIMITS,
    },
    "roilab.simulate.mixture.Mixture": {"shares": Each.of(NOT_NEGATIVE)},
    "roilab.simulate.tracks.Tracks": {
        "plane": _PLANE,
        "theta_xz_deg": _ANGLES,
        "length_mm": POSITIVE,
        "electrons_per_mm": POSITIVE,
        "step_mm": POSITIVE,
        "margin_mm": NOT_NEGATIVE,
    },
    "roilab.simulate.noise.Noise": {
        "scale": _THREE,
        "parallel_adc": NOT_NEGATIVE,
        "series_adc_per_mhz": NOT_NEGATIVE,
        "white_adc": NOT_NEGATIVE,
        "rise_mhz": NOT_NEGATIVE,
        "flicker_mhz": NOT_NEGATIVE,
        "coherent_adc": NOT_NEGATIVE,
        "coherent_group": COUNT,
        "coherent_cutoff_mhz": POSITIVE,
    },
    "roilab.simulate.variation.Variation": {
        "noise": NOT_NEGATIVE,
        "coherent_adc": NOT_NEGATIVE,
        "gain": POSITIVE,
        "induction": POSITIVE,
        "bias": POSITIVE,
        "lifetime": POSITIVE,
        "diffusion": NOT_NEGATIVE,
        "recombination": POSITIVE,
        "dead_channels": PART,
    },
    "roilab.simulate.signal_processing.SignalProcessing": {
        "coherent_group": SIZE,
        "coherent_sigma": POSITIVE,
        "coherent_margin": SIZE,
        "time_offset_us": _ANY,
        "gauss": Free(),
        "wiener": Free(),
        "wiener_wide": Free(),
        "loose_mhz": POSITIVE,
        "tight_mhz": POSITIVE,
        "tighter_mhz": POSITIVE,
        "wire_sigma": _THREE,
    },
    "roilab.simulate.filters.HighCut": {"sigma_mhz": POSITIVE, "power": POSITIVE},
    "roilab.simulate.response.Response": _ELECTRONICS,
    "roilab.simulate.field.WireField": {
        **_FIELD,
        "start_mm": POSITIVE,
        "period_us": POSITIVE,
        "neighbours": SIZE,
        "impacts": COUNT,
    },
    "roilab.simulate.roi.RoiFinder": {"noise_cut": POSITIVE},
    "roilab.simulate.roi_formation.FormationSettings": {
        "tight_sigma": _THREE,
        "pad": SIZE,
        "rebin": COUNT,
        "loose_sigma": NOT_NEGATIVE,
        "loose_shoulder": PART,
        "loose_top": NOT_NEGATIVE,
        "loose_reach": SIZE,
        "loose_slack": NOT_NEGATIVE,
    },
    "roilab.simulate.roi_refinement.RefinementSettings": {
        "sigma": NOT_NEGATIVE,
        "valley": NOT_NEGATIVE,
        "valley_sigma": NOT_NEGATIVE,
        "loops": SIZE,
        "pad": SIZE,
        "weak_mean": NOT_NEGATIVE,
        "weak_peak": NOT_NEGATIVE,
    },
    "roilab.simulate.coincidence.Coincidence": {
        "slice_ticks": COUNT,
        "strong": NOT_NEGATIVE,
        "weak": NOT_NEGATIVE,
        "reach": SIZE,
    },
    "roilab.simulate.truth.TruthSmearing": {"smear_us": NOT_NEGATIVE, "smear_wires": _THREE},
}
