"""Magnify ROOT files as WCT's MagnifySink writes them, made with uproot."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import uproot
from numpy.typing import NDArray
from uproot.writing.identify import to_TAxis, to_TH1x, to_TH2x

Tag = tuple[NDArray[Any], NDArray[Any], int]  # samples (channel, tick), channel ids, first tick


def axis(name: str, bins: int, low: float, high: float) -> Any:
    return to_TAxis(name, "", bins, low, high)


def th2(samples: NDArray[Any], x: tuple[int, float, float], y: tuple[int, float, float]) -> Any:
    """Return a TH2F of samples (x, y), or of another type if theirs is another."""
    data = np.zeros((samples.shape[1] + 2, samples.shape[0] + 2), samples.dtype.newbyteorder(">"))
    data[1:-1, 1:-1] = samples.T
    sums = [float(samples.size)] + [0.0] * 7
    axes = axis("xaxis", *x), axis("yaxis", *y)
    return to_TH2x("", "", data.reshape(-1), *sums, np.array([], ">f8"), *axes)


def histogram(samples: NDArray[Any], channels: NDArray[Any], tbin: int, rebin: int) -> Any:
    """Return the histogram of one plane: sums over ``rebin`` ticks, from lowest to highest id."""
    low, high = int(channels.min()), int(channels.max())
    bins = samples.shape[1] // rebin
    filled = np.zeros((high - low + 1, bins), samples.dtype)
    filled[channels - low] = samples[:, : bins * rebin].reshape(len(samples), bins, rebin).sum(-1)
    x = (high - low + 1, low - 0.5, high + 0.5)
    return th2(filled, x, (bins, tbin, tbin + samples.shape[1]))


def write_magnify(
    path: Path,
    tags: Mapping[str, Tag],
    planes: Mapping[str, tuple[int, int]],
    event: int | None = None,
    rebin: int = 1,
    more: Mapping[str, Any] | None = None,
) -> Path:
    """Write one event; ``planes`` are half-open ranges of channel ids by letter."""
    with uproot.recreate(path) as file:
        for tag, (samples, channels, tbin) in tags.items():
            for plane, (low, high) in planes.items():
                inside = (channels >= low) & (channels < high)
                if inside.any():
                    one = histogram(samples[inside], channels[inside], tbin, rebin)
                    file[f"h{plane}_{tag}"] = one
        for name, content in (more or {}).items():
            file[name] = content
        if event is not None:
            tree = file.mktree("Trun", {"runNo": np.int32, "eventNo": np.int32})
            tree.extend({"runNo": np.array([27409], "i4"), "eventNo": np.array([event], "i4")})
    return path


def summary_th1(values: NDArray[Any], low: int) -> Any:
    """Return the TH1F of a summary, which has the name of its tag's histogram."""
    data = np.zeros(len(values) + 2, ">f4")
    data[1:-1] = values
    sums = [float(len(values))] + [0.0] * 4
    x = axis("xaxis", len(values), low, low + len(values))
    return to_TH1x("", "", data, *sums, np.array([], ">f8"), x)
