"""Send every signal to every command that ends at once, at random moments."""

import random
import signal
import subprocess
from pathlib import Path

from finding import Finding, partial_files, send, start, wait_for_handlers
from inputs import make_inputs
from interruptions import faults_of_end

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)


def all_signals(top: Path) -> Finding:
    """Send each signal to all commands but train and simulate."""
    inputs = make_inputs(top)
    benchmark = ("models=[unet]", "data=small", "data.dir=null", "rebin=[10]", "nchunks=[1]")
    verbs = {verb: (*given, f"output_dir={top / 'out'}") for verb, given in inputs.verbs().items()}
    verbs["benchmark"] = (*benchmark, f"output_dir={top / 'out'}")
    verbs["report"] = (str(inputs.run), "--output", str(top / "out"))
    verbs["inspect"] = tuple(map(str, sorted(inputs.frames.glob("g4-*.h5"))))
    verbs["diff"] = (str(inputs.run), str(inputs.run))
    faults, late, sent = [], 0, 0
    for verb, arguments in verbs.items():
        for number in SIGNALS:
            code, errors = signalled(number, verb, *arguments)
            found = faults_of_end(number, code, errors)
            if code == 0:
                late += 1
                continue
            sent += 1
            found += [f"half-written {path.name}" for path in partial_files(top)]
            faults += [f"{verb}: {text}" for text in found]
    codes = "exit codes 143, 130 and 138, one line each" if not faults else "not all as expected"
    return Finding(
        f"SIGTERM, SIGINT and SIGUSR1 to {', '.join(verbs)}",
        f"{sent} interrupted ({late} had ended before): {codes}",
        faults,
    )


def signalled(number: signal.Signals, module: str, *arguments: str) -> tuple[int, str]:
    """Send a signal to a command; return exit code and standard error."""
    process = start(module, *arguments)
    wait_for_handlers(process)
    try:
        process.communicate(timeout=random.uniform(0, 1.0))
    except subprocess.TimeoutExpired:
        send(process, number)
    _, errors = process.communicate()
    return process.returncode, errors or ""
