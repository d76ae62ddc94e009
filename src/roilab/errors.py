"""Base class of the errors that a user can cause, and the text shown for an error."""


class RoilabError(Exception):
    """Error that a user can cause and correct.

    Its text says in one sentence where, what was got, what was expected, and what to do. The
    command line prints it and exits with a code other than 0; ``HYDRA_FULL_ERROR=1`` shows the
    traceback too.
    """


class Refused(SystemExit):
    """The end of a command by an error of the user, whose text the entry point prints.

    Hydra only warns of other exceptions in a callback, and prints much around those of a task.

    Attributes:
        error: of the user.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(1)
        self.error = error


def user_error(error: BaseException) -> RoilabError | None:
    """Return the ``RoilabError`` that an exception is or was directly caused by, else ``None``."""
    candidates = (error, error.__cause__)
    return next((one for one in candidates if isinstance(one, RoilabError)), None)


def message(error: BaseException) -> str:
    """Return the text to show for an exception.

    It is the text of a ``RoilabError`` without the traceback that a data loader's process puts
    before it; for any other exception its type and its text in one line.
    """
    from hydra.errors import InstantiationException  # wraps whatever a constructor raised

    if (known := user_error(error)) is not None:
        return str(known).rsplit(f"{type(known).__name__}: ", 1)[-1].strip()
    if isinstance(error, InstantiationException):
        error = error.__cause__ or error
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
