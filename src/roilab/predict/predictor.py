"""Find the ROIs of one frame file, event by event, and write them to one file."""

import glob
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hydra.utils import instantiate

from roilab.atomic_write import remove_leftovers
from roilab.checksum import sha256_file
from roilab.detectors import Readout
from roilab.frames import FrameWriter
from roilab.freed_memory import return_freed_memory
from roilab.inference import (
    Network,
    NetworkFile,
    NetworkRois,
    NodeDefaults,
    PlaneReader,
    network_spec,
    open_network,
)
from roilab.predict.jobs import Job, PredictError

log = logging.getLogger(__name__)


def no_progress(part: float) -> None:
    """Show no progress."""


@dataclass(frozen=True)
class Summary:
    """What a file gave: number of events, and planes that were left out, as text."""

    events: int
    left_out: str


@dataclass(frozen=True)
class Predictor:
    """A network with the planes that it is applied to.

    Attributes:
        network_file: path of the checkpoint or TorchScript file.
        network: in its node.
        planes: names, in the order in which they are written.
        apas: numbers of anodes; empty for all that a file holds.
        readout: where the planes lie.
    """

    network_file: Path
    network: Network
    planes: tuple[str, ...]
    apas: tuple[str, ...]
    readout: Readout

    @classmethod
    def from_config(cls, plain: Mapping[str, Any]) -> "Predictor":
        """Return the predictor of a configuration composed from ``conf/predict.yaml``.

        Raises:
            RoilabError: (its subclasses) the network cannot be read, or does not say what it needs.
        """
        file = open_network(plain["network"], plain["trust"])
        physics = plain["physics"]
        defaults = NodeDefaults(
            decon_charge=physics["decon_charge"],
            node=physics["node"],
            roi_frames=instantiate(physics["roi_frames"]),
        )
        spec = network_spec(file, plain["network_spec"], file.data)
        readout = _readout(file, plain.get("detector"))
        planes = _planes(file, plain["planes"], spec.planes, readout)
        network = file.network(spec, defaults, plain["device"])
        assert file.path is not None
        return cls(file.path, network, planes, tuple(map(str, plain["apas"] or ())), readout)

    @property
    def node_tags(self) -> tuple[str, ...]:
        """Tags that WCT's node reads, without APA number."""
        return tuple(dict.fromkeys((*self.network.spec.layers, self.network.decon_charge)))

    def settings(self) -> dict[str, Any]:
        """Return all settings that change the output, as plain data."""
        return {
            "network": self.network.name,
            "network_file": str(self.network_file),
            "sha256": sha256_file(self.network_file),
            "planes": self.planes,
            "apas": self.apas,
            "layers": self.network.spec.layers,
            "decon_charge": self.network.decon_charge,
            "node": asdict(self.network.node),
            "roi_frames": asdict(self.network.roi_frames),
            "readout": asdict(self.readout),
        }

    def __call__(self, job: Job, advance: Callable[[float], None] = no_progress) -> Summary:
        """Find the ROIs of a file and write them.

        Args:
            job: frame file and output.
            advance: called after every event with its part of the file.

        Raises:
            RoilabError: (its subclasses) the file is damaged, lacks a tag of the network, or
                holds nothing of the planes. Then no output is written.
        """
        # What a killed run left of this output.
        remove_leftovers(job.output.parent, glob.escape(job.output.name))
        left_out: set[str] = set()
        written = False
        with PlaneReader(job.frames, None, self.readout) as reader, FrameWriter(job.output) as out:
            events = reader.rec.events
            for event in events:
                for apa in reader.apas(event):
                    if self.apas and apa not in self.apas:
                        continue
                    planes = self._present(reader, event, apa)
                    left_out |= set(self.planes) - set(planes)
                    found = [self._find(reader, event, apa, plane) for plane in planes]
                    self.network.roi_frames.write(out, found)
                    written = written or bool(found)
                    del found
                return_freed_memory()
                advance(1 / len(events))
            if not written:
                raise PredictError(self._why_nothing(reader))
        return Summary(len(events), ", ".join(sorted(left_out)))

    def _present(self, reader: PlaneReader, event: int, apa: str) -> list[str]:
        return [p for p in self.planes if reader.has_plane(event, apa, p, self.node_tags)]

    def _find(self, reader: PlaneReader, event: int, apa: str, name: str) -> NetworkRois:
        plane = reader.read(event, apa, name, self.node_tags, self.node_tags)
        rois = self.network(plane)
        if rois.charge is None and self.network.roi_frames.charge is not None:
            missing = plane.missing[self.network.decon_charge]
            raise PredictError(
                f"{plane.title}: {missing}, so there is no charge in ROIs; name frames with this "
                "tag, or write only mask and probability with physics.roi_frames.charge=null."
            )
        return rois

    def _why_nothing(self, reader: PlaneReader) -> str:
        events = reader.rec.events
        apas = sorted({apa or "none" for event in events for apa in reader.apas(event)})
        wanted = f" in APA {', '.join(self.apas)}" if self.apas else ""
        return (
            f"{reader.rec.path}: its {len(events)} events hold nothing of plane "
            f"{', '.join(self.planes)}{wanted} in the tags {', '.join(self.node_tags)}; it has APA "
            f"{', '.join(apas) or 'none'}. Set planes or apas to what the file holds, or the "
            "detector."
        )


def _readout(file: NetworkFile, detector: Mapping[str, Any] | None) -> Readout:
    data = {**file.data, "detector": detector or file.data.get("detector")}
    if data["detector"] is None:
        raise PredictError(
            f"{file.path}: does not say for which detector it is (roilab writes that into its "
            "files); choose one, such as detector=pdhd."
        )
    return Readout.from_config(data)


def _planes(
    file: NetworkFile, given: list[str] | None, trained: tuple[str, ...], readout: Readout
) -> tuple[str, ...]:
    """Return the planes that the user named, or else those of the training."""
    planes = tuple(trained if given is None else given)
    if not planes:
        raise PredictError(
            f"{file.path}: does not say which planes it was trained on; name them, such as "
            "planes=[V]."
        )
    unknown = [plane for plane in planes if plane not in readout.ranges]
    if unknown:
        raise PredictError(
            f"planes: the detector has no plane {', '.join(unknown)}; expected some of "
            f"{', '.join(readout.ranges)}."
        )
    foreign = [plane for plane in planes if trained and plane not in trained]
    if foreign:
        log.warning(
            "%s was trained on plane %s and is applied to %s.",
            file.name,
            ", ".join(trained),
            ", ".join(foreign),
        )
    return planes
