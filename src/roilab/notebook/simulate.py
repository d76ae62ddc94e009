"""Simulated planes in memory, without files."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from hydra.errors import InstantiationException
from numpy.typing import NDArray

from roilab.building import TargetError
from roilab.detectors.detector import PLANE_NAMES
from roilab.errors import user_error
from roilab.frames import TickAxis
from roilab.notebook.compose import compose, group_files, plain
from roilab.notebook.errors import ApiError, expected_names
from roilab.object_table import object_html, object_text
from roilab.planes import Plane
from roilab.simulate.production import Production
from roilab.simulate.request import Request
from roilab.simulate.write_frames import TRUTH_TAG, round_samples
from roilab.types import Frame

_OF_FILES = {"containers", "events_per_file", "detector"}  # keys without meaning for planes
_UNITS = ("_deg", "_mm", "_mev")
# Files of a group that only others are built on.
_PIECES = ("base", "ionisation", "cascade", "scattered")
_KINDS: tuple[tuple[Any, str], ...] = (
    (list, "a list"),
    (str, "a text"),
    (int | float, "a number"),
)


class SimulatedPlanes(Sequence[Plane]):
    """Planes of simulated events, in the order of events, then of U, V and W.

    An event is simulated when one of its planes is asked for; only the last event is kept, because
    an event of a large detector takes hundreds of megabytes. ``list(planes)`` keeps all.

    Args:
        kind: name of a file in ``conf/simulation``.
        production: the events, and what of them a sample keeps.
    """

    def __init__(self, kind: str, production: Production) -> None:
        self.kind, self._production = kind, production
        self._simulation, config = production.simulation, production.config
        self.events = tuple(config["first_event"] + n for n in range(config["events"]))
        self.planes = tuple(name.upper() for name in PLANE_NAMES if name in config["planes"])
        self.tags = tuple(sorted(config["tags"]))
        self._last: tuple[int, list[Plane]] | None = None

    def __len__(self) -> int:
        return len(self.events) * len(self.planes)

    @overload
    def __getitem__(self, index: int) -> Plane: ...
    @overload
    def __getitem__(self, index: slice) -> list[Plane]: ...
    def __getitem__(self, index: int | slice) -> Plane | list[Plane]:
        """Return one plane, or a list of them."""
        numbers = range(len(self))[index]
        if isinstance(numbers, range):
            return [self[number] for number in numbers]
        event, plane = divmod(numbers, len(self.planes))
        if self._last is None or self._last[0] != event:
            self._last = None  # frees the other event first
            self._last = (event, list(self._simulate(event)))
        return self._last[1][plane]

    def _simulate(self, index: int) -> Iterator[Plane]:
        config, detector = self._production.config, self._simulation.detector
        event = self._simulation.generate(index, config["seed"])
        request = Request.from_config(config)
        frames, truth = self._simulation.simulate(event, index, config["seed"], request)
        axis = TickAxis(detector.tick0_ns, detector.tick_ns)
        for name in self.planes:
            number = PLANE_NAMES.index(name.lower())
            first, count = detector.first_channels[number], detector.planes[number].channels

            yield Plane(
                file=f"simulation of {self.kind}",
                event=self.events[index],
                apa=str(detector.apa),
                name=name,
                channels=(first, first + count),
                ticks=(0, detector.nticks),
                axis=axis,
                tags={tag: self._rounded(tag, frames[number][tag]) for tag in self.tags},
                missing={},
                available=self.tags,
                truth=self._rounded(TRUTH_TAG, truth[number]),
                no_truth="",
            )

    def _rounded(self, tag: str, samples: NDArray[Any]) -> Frame:
        """Return samples as they are read from a file."""
        rounding = self._production.config["rounding"]
        return round_samples(samples, tag, rounding).astype(np.float32)

    def __repr__(self) -> str:
        return object_text(self, self._facts())

    def _repr_html_(self) -> str:
        return object_html(self, self._facts())

    def _facts(self) -> dict[str, object]:
        return {
            "simulation": self.kind,
            "detector": self._simulation.detector.name,
            "events": len(self.events),
            "planes": " ".join(self.planes),
            "tags": " ".join(self.tags),
        }


def simulate(kind: str, detector: str | None = None, **settings: Any) -> SimulatedPlanes:
    """Simulate events in memory: the same frames as ``python -m roilab.simulate`` writes.

        planes = roilab.simulate("tracks", detector="pdhd", theta_xz=[60], events=1)
        planes[1].tags["decon_charge"]  # (channel, tick) of plane V

    Args:
        kind: name of a file in ``conf/simulation``, such as ``tracks``, ``showers``, ``cosmic``.
        detector: name of a file in ``conf/detector``; ``None`` for that of ``kind``.
        **settings: keys of ``conf/simulation`` (``events``, ``seed``, ``tags``, ``planes``, ...)
            and of its generator (``theta_xz_deg``, ``energy_mev``, ...; the unit at the end can be
            left out). A part, such as ``noise``, takes the name of a file in
            ``conf/simulation/noise``, or a mapping of its keys.

    Returns:
        The planes of all events, simulated as they are asked for.

    Raises:
        RoilabError: (its subclasses) there is no such kind, detector or key, or a value does not
            fit.
    """
    overrides = [f"simulation={_one_of('kind', kind, group_files('simulation'))}"]
    if detector is not None:
        overrides.append(f"detector={_one_of('detector', detector, group_files('detector'))}")
    config = compose("simulate", overrides).simulation
    parts = {key for key in config if group_files(f"simulation/{key}")}
    for key in parts & settings.keys():
        if isinstance(name := settings[key], str):
            known = group_files(f"simulation/{key}")
            overrides.append(f"simulation/{key}={_one_of(key, name, known)}")
    # The keys of a part are those of the file that was chosen for it.
    config = compose("simulate", overrides).simulation
    container = plain(config)
    for key, value in settings.items():
        if not (key in parts and isinstance(value, str)):
            _set(container, key, value)
    return SimulatedPlanes(kind, _checked(container, settings))


def _one_of(argument: str, name: Any, known: Sequence[str]) -> str:
    """Return the name of a file of a group that can be chosen."""
    names = [each for each in known if each not in _PIECES]
    if name not in names:
        raise ApiError(f"{argument}={name!r}: {expected_names(str(name), names)}")
    return str(name)


def _set(config: dict[str, Any], key: str, value: Any) -> None:
    """Set a value of the simulation, of a part of it, or of its generator."""
    generator = config["generator"]
    known = {name: (config, name) for name in config.keys() - _OF_FILES}
    for name in generator:
        if not name.startswith("_"):
            known.setdefault(name, (generator, name))
            for unit in _UNITS:
                known.setdefault(name.removesuffix(unit), (generator, name))
    if key not in known:
        raise ApiError(f"{key} is not a setting of this simulation; {expected_names(key, known)}")
    node, name = known[key]
    node[name] = _merged(key, node[name], _plain_value(value))


def _merged(key: str, before: Any, value: Any) -> Any:
    """Return the new value, of the kind of the one before; a mapping changes some of its keys."""
    if not isinstance(before, Mapping):
        for kinds, words in _KINDS:
            if isinstance(before, kinds) and not isinstance(value, kinds):
                raise ApiError(f"{key}={value!r}; expected {words}, such as {before!r}.")
        return value
    if not isinstance(value, Mapping):
        raise ApiError(f"{key}={value!r}; expected a mapping of some of {', '.join(before)}.")
    for name in value:
        if name not in before:
            raise ApiError(f"{key} has no '{name}'; {expected_names(str(name), before)}")
    return {**before, **{n: _merged(f"{key}.{n}", before[n], v) for n, v in value.items()}}


def _plain_value(value: Any) -> Any:
    """Return a value as YAML would give it: lists for tuples and arrays."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: _plain_value(item) for name, item in value.items()}
    return [_plain_value(item) for item in value] if isinstance(value, list | tuple) else value


def _checked(config: dict[str, Any], settings: Mapping[str, Any]) -> Production:
    """Return the production of a configuration whose values have been tried."""
    try:
        production = Production(config, Path())  # writes nothing until it runs
        production.simulation.generate(0, config["seed"])
    except (TargetError, InstantiationException, TypeError, ValueError, AttributeError) as error:
        known = user_error(error.__cause__ or error)
        if known is not None:
            raise known from error
        reason = " ".join(str(error.__cause__ or error).split())
        given = ", ".join(f"{key}={value!r}" for key, value in settings.items())
        raise ApiError(f"One of {given} does not fit the simulation: {reason}.") from error
    return production
