"""Judge the reading of frame files on a corpus of good and faulty ones, and print the figures.

    python tests/frames/corpus.py [--show]

Kinds are read in forked processes with limits on memory and time, as a training reads them and by
``python -m roilab.inspect``. Each must give the right image or one message; ``--show`` prints the
messages. A verdict other than the expected one is printed and makes the exit code 1.
"""

import contextlib
import io
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from corpus_files import EVENT, FIRST, PER_APA, PLANE, TICKS, base_images
from corpus_kinds import Kind, kinds

from roilab.errors import RoilabError
from roilab.frames import TagReader, TruthTag, Window, find_truth_tag, match_events, open_frames
from roilab.inspect.__main__ import main as inspect

_MEMORY = 350_000_000  # above that of this process [bytes]
_SECONDS = 40
_KINDS = 25  # for one process: to start it takes longer than to read a kind
_LONGEST = 700  # characters of a message
Verdict = tuple[str, str]  # and a message
Task = Callable[[], Verdict]


def read(folder: Path) -> dict[str, np.ndarray]:
    """Read the images of event 100 as a training does: layers and truth of plane V."""
    rec_path, tru_path = (next(folder.glob(f"{kind}.*")) for kind in ("rec", "tru"))
    with open_frames(rec_path) as rec, open_frames(tru_path) as tru:
        tru_event = dict(match_events(rec, tru))[EVENT]
        tag = find_truth_tag(tru, ("deposplat", "ductor"), "1") or "deposplat1"
        truth = TruthTag(tru, tru_event, tag)
        window = Window((FIRST, FIRST + PER_APA), (0, TICKS))
        reader = TagReader(rec, EVENT, "1", ("loose_lf", "mp2_roi"), truth, window)
        images = {name: reader.read(name, PLANE, (0, TICKS)) for name in ("loose_lf", "mp2_roi")}
        return {**images, "truth": reader.read_truth(PLANE, (0, TICKS))}


def judge_reading(kind: Kind, folder: Path) -> tuple[str, str]:
    """Return verdict and message of reading the images."""
    try:
        images = read(folder)
    except RoilabError as error:
        return judge_message(kind, str(error))
    expected = base_images() | kind.images
    same = all(np.array_equal(images[name], image) for name, image in expected.items())
    return ("right image" if same else "wrong image"), ""


def judge_message(kind: Kind, text: str) -> tuple[str, str]:
    """Return the verdict on a message: it names the place, is one line and not long."""
    if "MemoryError" in text or "allocate" in text:
        return "memory", text
    missing = [part for part in kind.names if part not in text]
    if missing or len(text) > _LONGEST or "\n" in text or not text.isprintable():
        return f"bad message (lacks {missing})", text
    return "message", text


def judge_inspect(folder: Path) -> tuple[str, str]:
    """Return verdict and message of ``python -m roilab.inspect``."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = inspect([str(path) for path in sorted(folder.glob("[rt][eru][cu].*"))])
    out.getvalue().encode()  # a terminal cannot print every text
    return f"exit code {code}", err.getvalue()


def in_children(tasks: Sequence[Task]) -> list[Verdict]:
    """Run tasks in forked processes; one that ends its process has its verdict from that."""
    answers: list[Verdict] = []
    while len(answers) < len(tasks):
        answers += in_child(tasks[len(answers) :])
    return answers


def in_child(tasks: Sequence[Task]) -> list[Verdict]:
    """Run tasks in a forked process with limits on memory and time, until one ends the process."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + _MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for task in tasks:
            signal.alarm(_SECONDS)  # ends the process, also where it waits
            os.write(writer, json.dumps(guarded(task)).encode() + b"\n")
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        answers: list[Verdict] = [tuple(json.loads(line)) for line in stream]
    status = os.waitpid(child, 0)[1]
    if len(answers) < len(tasks):
        hang = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM
        answers.append(("hang" if hang else "crash", f"status {status}"))
    return answers


def guarded(task: Task) -> Verdict:
    """Return what a task returns, or how it failed."""
    try:
        return task()
    except MemoryError:
        return "memory", ""
    except BaseException:
        return "crash", traceback.format_exc()[-3000:]


def judge(some: Mapping[Path, Kind]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield the verdict on each kind, its message, and what is not as expected."""
    tasks: list[Task] = []
    for folder, kind in some.items():
        folder.mkdir()
        kind.write(folder)
        tasks += [partial(judge_reading, kind, folder), partial(judge_inspect, folder)]
    answers = in_children(tasks)
    for kind, (verdict, text), (inspected, error) in zip(
        some.values(), answers[::2], answers[1::2], strict=True
    ):
        faults = []
        expected = "message" if kind.is_fault else "right image"
        if verdict != expected:
            faults.append(f"{kind.name}: {verdict}, expected a {expected}. {text}")
        if inspected != f"exit code {kind.inspect_code}":
            code = kind.inspect_code
            faults.append(f"{kind.name}: inspect: {inspected}, expected {code}. {error}")
        yield verdict, text, faults


def run(show: bool = False) -> tuple[Counter[str], list[str], float]:
    """Judge all kinds; return how many have each verdict, what is not as expected, and seconds."""
    start, verdicts, faults = time.perf_counter(), Counter[str](), []
    every = list(kinds())
    with tempfile.TemporaryDirectory() as temporary:
        folders = [Path(temporary) / str(number) for number in range(len(every))]
        for first in range(0, len(every), _KINDS):
            part = slice(first, first + _KINDS)
            some = dict(zip(folders[part], every[part], strict=True))
            for kind, (verdict, text, found) in zip(every[part], judge(some), strict=True):
                verdicts[verdict] += 1
                faults += found
                if show and text:
                    print(f"{kind.name}: {text.replace(temporary, '')}")
    return verdicts, faults, time.perf_counter() - start


def table(verdicts: Counter[str]) -> str:
    """Return the figures as a table in Markdown."""
    names = ("right image", "message", "wrong image", "crash", "hang")
    rows = {"kinds": sum(verdicts.values())} | {name: verdicts[name] for name in names}
    rows["memory above the limit"] = verdicts["memory"]
    bad = sum(count for name, count in verdicts.items() if name.startswith("bad"))
    rows["message without file, event or tag, or too long"] = bad
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {n} |" for name, n in rows.items())])


def main() -> Any:
    """Print the figures."""
    verdicts, faults, seconds = run(show="--show" in sys.argv)
    print(table(verdicts), f"\n{seconds:.0f} s")
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
