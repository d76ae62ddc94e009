"""The networks that come with roilab, and the metrics that they must keep."""

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

import roilab
from roilab import reference_networks
from roilab.data.images import pad_mask, rebin_mean
from roilab.inference import load_network, open_network, read_network
from roilab.metrics import ThresholdScan
from roilab.networks.table import list_networks
from roilab.notebook.compose import compose

NAMES = reference_networks.reference_names()
NO_SMALL = "no reference network 'small' is stored yet"


def test_together_they_are_small_enough_for_the_package() -> None:
    files = [path for name in NAMES for path in reference_networks.FOLDER.glob(f"{name}.*")]
    assert sum(path.stat().st_size for path in files) <= reference_networks.MAX_BYTES


def test_all_can_be_listed() -> None:
    rows, problems = list_networks()
    assert [row["name"] for row in rows] == NAMES
    assert not problems


@pytest.mark.skipif(not NAMES, reason="no reference network is stored yet")
@pytest.mark.parametrize("name", NAMES or ["none"])
def test_every_network_opens(name: str) -> None:
    path = reference_networks.find_reference(name)
    assert path is not None
    content, network = read_network(path), load_network(path)
    assert open_network(name).metadata["mask_thresh"] == content["about"]["mask_thresh"]
    count = sum(p.numel() for p in network.net.parameters())
    assert count == content["about"]["parameters"]
    # The card and the description are those of these weights, and name no folder.
    card = path.with_suffix(".md").read_text()
    assert f"network={name}" in card
    assert "/home/" not in path.with_suffix(".json").read_text() + card


@pytest.mark.skipif("small" not in NAMES, reason=NO_SMALL)
def test_metrics_hold_on_new_events() -> None:
    """Three events that no training has seen, simulated here: the metrics of its validation."""
    network = roilab.load("small", device="cpu")
    scan = ThresholdScan([network.spec.mask_thresh])
    planes = [name.lower() for name in network.spec.planes]
    tags = [*network.spec.layers, network.decon_charge]
    settings = {"planes": planes, "tags": tags, "prolonged": [0, 0]}
    for plane in roilab.simulate("demo", events=3, seed=987, **settings):
        assert plane.truth is not None
        spec, charge = network.spec, rebin_mean(plane.truth, network.spec.rebin)
        truth = pad_mask(charge > spec.threshold, spec.pad, spec.pad_unit, spec.rebin)
        probability = torch.from_numpy(network(plane).probability)
        scan.update(probability, torch.from_numpy(truth), torch.from_numpy(charge))
    (row,) = scan.rows()
    stored = open_network("small").metadata["working_point"]["metrics"]
    for name in ("charge_efficiency", "roi_efficiency", "roi_purity", "dice"):
        # Three events scatter by some percent.
        assert row[name] > stored[name] - 0.1, name
    assert np.isfinite(row["roi_purity"])


@pytest.mark.skipif(not NAMES, reason="no reference network is stored yet")
@pytest.mark.parametrize("name", NAMES or ["none"])
def test_the_data_config_has_every_key_of_today(name: str) -> None:
    path = reference_networks.find_reference(name)
    assert path is not None
    stored = load_network(path).recipe["data"]
    detector = name.partition("-")[0]  # the names are DETECTOR and DETECTOR-KIND
    today = compose("train", ["data=pdhd", f"detector={detector}", "data.dir=d"]).data
    assert set(stored) == set(today)
    assert stored["detector"] == OmegaConf.to_container(today.detector, resolve=True)
