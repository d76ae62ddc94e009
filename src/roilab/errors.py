"""The base of every error a user can cause and mend."""


class RoilabError(Exception):
    """Its text is one sentence: where, what was got, what was expected, what to do.

    The command line prints that sentence and leaves with an exit code other than 0;
    ``HYDRA_FULL_ERROR=1`` shows the traceback too.
    """
