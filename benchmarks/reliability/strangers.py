"""Damaged and hostile files: the corpus of frame files, checkpoints that try to run code."""

import importlib
import sys
from pathlib import Path

from finding import NETWORK, Finding, run
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from roilab.entry_point import config_dir
from roilab.errors import RoilabError
from roilab.inference import TrainedNetwork, load_network

TESTS = Path(__file__).parents[2] / "tests"


def frame_files() -> Finding:
    """Read the corpus of good and faulty frame files."""
    sys.path.insert(0, str(TESTS / "frames"))
    corpus = importlib.import_module("corpus")
    verdicts, faults, _ = corpus.run()
    listed = ", ".join(f"{count} {name}" for name, count in sorted(verdicts.items()))
    return Finding(f"{sum(verdicts.values())} kinds of files", listed, faults)


def checkpoints(top: Path) -> Finding:
    """Give every hostile checkpoint of the tests to the commands; count those that run code."""
    sys.path[:0] = [str(TESTS), str(TESTS / "inference")]
    gadgets = importlib.import_module("test_trusted")
    overrides = ["data=pdhd", "data.dir=d", "run_dir=o", *NETWORK]
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose("train", overrides)
    recipe = OmegaConf.to_container(config, resolve=True)
    state = TrainedNetwork(recipe).state_dict()
    good = {"roilab_recipe": recipe, "roilab_version": "0", "state_dict": state, "epoch": 0}
    faults, ran, canary = [], 0, gadgets.lay_traps(top)
    (top / "rec.h5").touch()
    for number, (name, part) in enumerate(gadgets.RUNNING.items()):
        path = top / f"evil-{number}.ckpt"
        gadgets.write(path, good, model__net=part(canary))
        verb = list(gadgets.VERBS)[number % len(gadgets.VERBS)]
        arguments = [text.format(tmp=top) for text in gadgets.VERBS[verb]]
        code, errors = run(verb, f"network={path}", *arguments)
        if canary.exists():
            ran += 1
            faults.append(f"{name}: ran in {verb}")
            canary.unlink()
        if code != 1 or "Traceback" in errors or path.name not in errors:
            faults.append(f"{name}: {verb} ended with {code}. {errors[-500:]}")
    loaded = 0
    for name, part in gadgets.REFUSED.items():
        if _loads(gadgets.write(top / "open.ckpt", good, model__net=part)):
            loaded += 1
            faults.append(f"{name}: was loaded")
    return Finding(
        f"{len(gadgets.RUNNING)} checkpoints that run code, {len(gadgets.REFUSED)} that open a "
        "file or an address",
        f"{ran} ran, {loaded} were loaded",
        faults,
    )


def _loads(path: Path) -> bool:
    """Return whether a network is loaded."""
    try:
        load_network(path)
    except RoilabError:
        return False
    return True
