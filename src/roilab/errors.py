"""Base class of the errors that a user can cause and correct."""


class RoilabError(Exception):
    """Error with a short message: which file or setting, what was got and expected, what to do.

    Commands print the message and exit with a code other than 0; ``HYDRA_FULL_ERROR=1`` adds the
    traceback.
    """
