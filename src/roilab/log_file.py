"""Log file of a run that bears a full disk."""

import logging
import sys


class LogFile(logging.FileHandler):
    """File handler that says in one line that it cannot write, and goes on.

    That of Python prints a traceback for every line of the log.
    """

    _failed = False

    def handleError(self, record: logging.LogRecord) -> None:
        """Print one line at the first error of the disk; a mistake in a message as Python does."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._failed:
            self._failed = True
            print(
                f"{self.baseFilename}: the log cannot be written ({error.strerror}); its lines "
                "appear only here.",
                file=sys.stderr,
            )
