"""What a user can ask of the simulation that makes no sense."""

from roilab.errors import RoilabError


class SimulationError(RoilabError):
    """A setting of the simulation, or the folder it shall fill, does not do."""
