from dataclasses import replace

import numpy as np
import pytest

from roilab.simulate.chain import Simulation
from roilab.simulate.errors import SimulationError
from roilab.simulate.intervals import pad_mask
from roilab.simulate.noise import estimate_rms, subtract_coherent_noise
from roilab.simulate.signal_processing import restore_baseline

SHAPE = (120, 1800)


def test_noise_has_the_variance_of_its_spectrum(noisy: Simulation) -> None:
    noise = noisy.actual_noise
    waveforms = noise.generate(1, SHAPE, 500.0, 2.2, np.random.default_rng(1))
    both_sides = np.abs(np.fft.fftfreq(SHAPE[1], 0.5))
    expected = noise.scale[1] * np.sqrt((noise.amplitude(both_sides, 2.2) ** 2).mean())
    assert waveforms.std() == pytest.approx(expected, rel=0.02)
    assert 12 < waveforms.std() < 16
    assert np.abs(np.corrcoef(waveforms[0], waveforms[1])[0, 1]) < 0.1


def test_coherent_noise_is_shared_and_subtracted(noisy: Simulation) -> None:
    noise = replace(noisy.noise, coherent_adc=30.0)
    waveforms = noise.generate(0, SHAPE, 500.0, 2.2, np.random.default_rng(1))
    assert np.corrcoef(waveforms[0], waveforms[1])[0, 1] > 0.7
    waveforms[5, 500:600] += 500.0
    cleaned = subtract_coherent_noise(waveforms, noise.coherent_group, 4.0, 30)
    quiet = noisy.noise.generate(0, SHAPE, 500.0, 2.2, np.random.default_rng(2)).std()
    assert np.delete(cleaned, 5, axis=0).std() == pytest.approx(quiet, rel=0.1)
    # The signal of one channel is neither lost nor spread over its group.
    assert cleaned[5, 500:600].mean() == pytest.approx(500, rel=0.05)
    assert np.abs(cleaned[6, 500:600].mean()) < 20


def test_scale_zero_gives_no_noise(quiet: Simulation) -> None:
    waveforms = quiet.noise.generate(0, (3, 100), 500.0, 2.2, np.random.default_rng(1))
    assert (waveforms == 0).all()


def test_rms_is_not_moved_by_signal() -> None:
    frame = np.random.default_rng(1).normal(scale=7, size=(4, 5000)).astype(np.float32)
    frame[:, 100:300] += 4000
    np.testing.assert_allclose(estimate_rms(frame, 5.0), 7, rtol=0.1)


def test_runs_are_padded_up_to_the_edges() -> None:
    mask = np.zeros((1, 8), dtype=bool)
    mask[0, [0, 5]] = True
    np.testing.assert_array_equal(np.flatnonzero(pad_mask(mask, 1)), [0, 1, 4, 5, 6])


@pytest.mark.parametrize("change", [{"white_adc": -1.0}, {"coherent_group": 0}])
def test_invalid_noise_is_refused(noisy: Simulation, change: dict[str, float]) -> None:
    with pytest.raises(SimulationError, match="expected"):
        replace(noisy.noise, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize("ticks", [40, 41])
def test_baseline_is_the_median_without_signal(ticks: int) -> None:
    random = np.random.default_rng(5)
    frame = random.normal(700, 200, size=(8, ticks)).astype(np.float32)
    frame[:, : ticks // 3] += 5000
    frame[3] = np.where(np.arange(ticks) % 2, 1e5, -1e5)  # nothing near the median
    restored = restore_baseline(frame)
    for row, result in zip(frame, restored, strict=True):
        quiet = row[np.abs(row - np.median(row)) < 500]
        np.testing.assert_array_equal(result, row - np.median(quiet) if len(quiet) else row)
