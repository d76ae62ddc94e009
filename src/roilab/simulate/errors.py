"""Error of the simulation."""

from roilab.errors import RoilabError


class SimulationError(RoilabError):
    """A setting of the simulation, or its output folder, cannot be used."""
