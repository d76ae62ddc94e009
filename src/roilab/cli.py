"""``roilab VERB ...``: one command for all verbs; imports only the verb that is run."""

import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module

from roilab import __version__

VERBS = {
    "simulate": "simulate frames: cosmic muons, tracks and showers of known angle",
    "inspect": "list events, tags, channels and ticks of frame files",
    "train": "train a network, evaluate and export it; -m for a sweep",
    "evaluate": "charge and ROI metrics of a network on samples of known angle",
    "export": "write the TorchScript file and configuration for WCT's DNNROIFinding",
    "display": "draw events: panels, waveforms, comparison of networks",
    "benchmark": "memory and time of networks in WCT's node",
    "report": "write the pages of runs and sweeps",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb with the rest of the command line; return the exit code."""
    verb, *rest = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if verb in ("-h", "--help"):
        print(_overview())
        return 0
    if verb in ("-V", "--version"):
        print(f"roilab {__version__}")
        return 0
    if verb not in VERBS:
        close = get_close_matches(verb, VERBS, n=1)
        hint = f"did you mean 'roilab {close[0]}'?" if close else "'roilab' lists the verbs."
        print(f"roilab: '{verb}' is not a verb; {hint}", file=sys.stderr)
        return 2
    sys.argv = [f"roilab {verb}", *rest]
    # For packages of the user (docs/extend.md): last, so that none replaces an installed one.
    if not sys.flags.safe_path and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    return import_module(f"roilab.{verb}.__main__").main() or 0


def _overview() -> str:
    width = max(map(len, VERBS))
    lines = [f"  {verb:{width}}  {text}" for verb, text in VERBS.items()]
    return "\n".join(
        [
            "usage: roilab VERB [KEY=VALUE ...]",
            "",
            *lines,
            "",
            "roilab VERB --help shows the keys of a verb; roilab --version the version.",
        ]
    )
