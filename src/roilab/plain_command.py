"""Commands without a configuration (inspect, report, diff): errors in one sentence."""

import sys
from collections.abc import Callable

from roilab.closed_pipe import reader_may_leave
from roilab.console import text_console
from roilab.errors import RoilabError
from roilab.interruption import interruptible


def run_command(task: Callable[[], int]) -> int:
    """Run a task and return its exit code; of an error that a user can mend print the text.

    A signal ends it with 128 + the signal's number.
    """
    try:
        with interruptible(), reader_may_leave():
            return task()
    except RoilabError as error:
        text = str(error)
    except OSError as error:
        if error.filename is None:
            raise
        text = (
            f"{error.filename}: cannot be read or written ({error.strerror}); expected a file or "
            "folder that you may use. Check its permissions, or name another."
        )
    text_console(sys.stderr).print(text)
    return 1
