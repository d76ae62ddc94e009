"""``roilab VERB ...``: one command for all verbs; imports only the verb that is run."""

import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module

from roilab import __version__
from roilab.closed_pipe import reader_may_leave

# In the order of a study. A verb is the package roilab.VERB, with main() in its __main__.
VERBS = {
    "train": "train a network, evaluate and export it; -m for a sweep",
    "search": "search the best settings of a training: trials chosen by Optuna",
    "simulate": "simulate frames: cosmic muons, tracks and showers of known angle",
    "inspect": "list events, tags, channels and ticks of frame files",
    "convert": "write frame files in another container; choose tags, planes, ticks, events",
    "sample": "describe files of known angle by their names, for evaluate",
    "prepare": "store the images of frames in a compact folder, for data=prepared",
    "evaluate": "charge and ROI metrics of a network on samples of known angle",
    "robustness": "change of the metrics where the simulated detector is not as assumed",
    "predict": "apply a network to frames without truth, write frame files of its ROIs",
    "export": "write the TorchScript file and configuration for WCT's DNNROIFinding",
    "wirecell": "write a job of WCT that simulates and processes depositions to frames",
    "benchmark": "memory and time of networks in WCT's node",
    "display": "draw events: panels, waveforms, comparison of networks",
    "networks": "list the trained networks that come with roilab; store a run as one",
    "report": "write the pages of runs and sweeps",
    "dashboard": "list, draw or save the W&B charts of runs, from their records",
    "diff": "differences of two runs: configuration, code, data, results",
}
# Verbs of the command line itself.
_COMPLETION, _COMPLETE = "completion", "_complete"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb with the rest of the command line; return the exit code."""
    with reader_may_leave():
        return _run(arguments)


def _run(arguments: Sequence[str] | None) -> int:
    verb, *rest = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if verb in ("-h", "--help", "help"):
        print(_overview())
        return 0
    if verb in ("-V", "--version"):
        print(f"roilab {__version__}")
        return 0
    if verb in (_COMPLETION, _COMPLETE):
        return _complete(verb, rest)
    if verb not in VERBS:
        close = get_close_matches(verb, [*VERBS, _COMPLETION], n=1)
        hint = f"did you mean 'roilab {close[0]}'?" if close else "'roilab' lists the verbs."
        print(f"roilab: '{verb}' is not a verb; {hint}", file=sys.stderr)
        return 2
    if {"-h", "--help"} & set(rest) and (page := _help(verb, rest)):
        print(page)
        return 0
    sys.argv = [f"roilab {verb}", *rest]
    # For packages of the user (docs/extend.md): last, so that none replaces an installed one.
    if not sys.flags.safe_path and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    return import_module(f"roilab.{verb}.__main__").main() or 0


def _help(verb: str, rest: Sequence[str]) -> str | None:
    """Return the help of a verb with a configuration, without importing Hydra."""
    from roilab.command_line.arguments import expand_home, split
    from roilab.command_line.help_page import help_page
    from roilab.command_line.keys import config_dir

    if not (config_dir() / f"{verb}.yaml").is_file():
        return None
    return help_page(verb, f"roilab {verb}", split(expand_home(rest)))


def _complete(verb: str, rest: Sequence[str]) -> int:
    """Print the completion script of a shell, or (called by it) what completes a line."""
    from roilab.command_line.completion import SCRIPTS, candidates

    if verb == _COMPLETE:
        for candidate in candidates(rest, [*VERBS, _COMPLETION]):
            print(candidate)
        return 0
    if len(rest) != 1 or rest[0] not in SCRIPTS:
        print(f"roilab completion: expected one of {', '.join(SCRIPTS)}.", file=sys.stderr)
        return 2
    print(SCRIPTS[rest[0]])
    return 0


def _overview() -> str:
    verbs = {**VERBS, _COMPLETION: "print the completion script of bash, zsh or fish"}
    width = max(map(len, verbs))
    lines = [f"  {verb:{width}}  {text}" for verb, text in verbs.items()]
    return "\n".join(
        [
            "usage: roilab VERB [KEY=VALUE ...]",
            "",
            *lines,
            "",
            "roilab VERB --help shows the keys of a verb; roilab --version the version.",
        ]
    )
