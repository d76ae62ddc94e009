"""``--dry-run`` on the command line of a training, as overrides that Hydra understands."""

import sys
from collections.abc import Callable
from functools import wraps

FLAG = "--dry-run"
# No log file, no folder of Hydra, and the output folder is not taken.
_OVERRIDES = (
    *("dry_run=true", "command=no_log", "+run_dir=${output_dir}"),
    *(f"~hydra.callbacks.{name}" for name in ("claim_folder", "claim_sweep", "check_resume")),
)


def accepts_dry_run(main: Callable[[], None]) -> Callable[[], None]:
    """Let a command of Hydra take ``--dry-run`` anywhere; ``dry_run=true`` means the same."""

    @wraps(main)
    def run() -> None:
        words = (FLAG, "dry_run=true")
        given = sys.argv
        if any(word in given[1:] for word in words):
            if {"-m", "--multirun"} & set(given):
                sys.exit(
                    f"{FLAG} describes one training, -m starts many; leave out -m and give every "
                    "key one value."
                )
            sys.argv = [*(word for word in given if word not in words), *_OVERRIDES]
        try:
            main()
        finally:
            sys.argv = given

    return run
