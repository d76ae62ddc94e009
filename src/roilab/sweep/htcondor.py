"""Submit descriptions for HTCondor: the jobs of a sweep, or the processes of a search.

Keys as in the manual of condor_submit
(https://htcondor.readthedocs.io/en/latest/man-pages/condor_submit.html).
"""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from roilab.atomic_write import write_text
from roilab.errors import RoilabError

FILE = "htcondor.sub"
_LOGS = ".htcondor"
_AFTER_GRACE_S = 15  # a process ends in this time after it has saved its progress
_WIDTH = 22


class SubmitError(RoilabError):
    """A submit description cannot be written."""


@dataclass(frozen=True)
class HTCondor:
    """Settings of the jobs; ``conf/submit/htcondor.yaml`` describes them.

    Raises:
        SubmitError: a key of ``extra`` is one that the description has anyway.
    """

    request_cpus: int
    request_gpus: int
    request_memory: str
    request_disk: str
    max_retries: int
    processes: int
    environment: Sequence[str]
    extra: Mapping[str, object] | None

    def __post_init__(self) -> None:
        known = self._keys(Path(), (), 0)
        for key in self.extra or ():
            if key.lower() in known:
                raise SubmitError(
                    f"submit.extra: {key} is in the submit description already; expected other "
                    f"keys of condor_submit. Change its key of submit, or edit {FILE}."
                )

    def write(
        self, folder: Path, arguments: Sequence[str], names: Sequence[str], grace_s: float
    ) -> Path:
        """Write the submit description ``htcondor.sub`` into a folder.

        Args:
            folder: of the sweep or the study, which all machines see under the same path.
            arguments: of Python for each job; ``$(job)`` in them stands for its name.
            names: of the jobs.
            grace_s: time that a job has after SIGTERM to write a checkpoint [s].

        Returns:
            Its path.
        """
        folder = folder.absolute()
        keys = self._keys(folder, arguments, grace_s)
        keys |= {key: str(value) for key, value in (self.extra or {}).items()}
        path = folder / FILE
        (folder / _LOGS).mkdir(parents=True, exist_ok=True)
        lines = [f"{key:{_WIDTH}} = {value}" for key, value in keys.items()]
        write_text(path, "\n".join([*_header(path), *lines, "", "queue job from (", *names, ")\n"]))
        return path

    def _keys(self, folder: Path, arguments: Sequence[str], grace_s: float) -> dict[str, str]:
        logs = folder / _LOGS
        set_here = {name: os.environ[name] for name in self.environment if name in os.environ}
        gpus = {"request_gpus": str(self.request_gpus)} if self.request_gpus else {}
        return {
            "universe": "vanilla",
            "executable": sys.executable,
            "transfer_executable": "False",
            "should_transfer_files": "NO",
            "arguments": quoted(arguments),
            "initialdir": os.getcwd(),
            "environment": quoted([f"{name}={value}" for name, value in set_here.items()]),
            "output": f"{logs}/$(job).out",
            "error": f"{logs}/$(job).err",
            "log": f"{logs}/htcondor.log",
            "request_cpus": str(self.request_cpus),
            **gpus,
            "request_memory": self.request_memory,
            "request_disk": self.request_disk,
            "kill_sig": "SIGTERM",
            "job_max_vacate_time": str(round(grace_s) + _AFTER_GRACE_S),
            "want_graceful_removal": "True",
            "max_retries": str(self.max_retries),
        }


def quoted(words: Sequence[str]) -> str:
    """Return words in the new syntax of ``arguments`` and ``environment`` of condor_submit.

    ``$(job)`` stays a macro; any other ``$`` becomes a sign that is not one.
    """
    return f'"{" ".join(map(_quoted, words))}"'


def _quoted(word: str) -> str:
    word = re.sub(r"\$(?!\(job\))", "$(DOLLAR)", word.replace('"', '""'))
    return "'" + word.replace("'", "''") + "'" if not word or re.search(r"[\s']", word) else word


def _header(path: Path) -> list[str]:
    return [
        "# Jobs of roilab for HTCondor (docs/sweeps.md).",
        f"#   condor_submit {path}",
        "# The same file again goes on with jobs that are not finished; others end at once.",
        "# Python, roilab, data and this folder must have the same paths on all machines",
        "# (should_transfer_files = NO). A job that HTCondor evicts, or condor_rm removes, gets",
        "# SIGTERM and job_max_vacate_time seconds to write a checkpoint. An evicted job is",
        "# started again and goes on from there; a failed one too, at most max_retries times.",
        "",
    ]
