"""Write the ``meta.json`` of a folder of files whose names give angle, plane and energy."""

from pathlib import Path
from typing import Any

from roilab.atomic_write import write_json
from roilab.frames import META_FILE, open_frames, truth_beside
from roilab.sample.pattern import NameMatch, NamePattern, SampleError
from roilab.types import Row


def write_sample(folder: Path, pattern: str, truth: str | None, plane: str | None) -> str:
    """Write ``meta.json``: an entry for every event of every file that fits a pattern.

    Args:
        folder: of the frame files.
        pattern: of the names of the reconstruction files, see ``NamePattern``.
        truth: pattern of the truth files; ``None``: ``rec`` in a name becomes ``tru``, and a file
            without such a truth file is its truth file itself.
        plane: of the angles; ``None`` where the names have it.

    Returns:
        What the sample holds, as a sentence.

    Raises:
        SampleError: no file fits, ``meta.json`` exists already, or the plane or angle is missing.
        FrameFileError: a file cannot be read.
    """
    path = folder / META_FILE
    if path.exists():
        raise SampleError(f"{path}: exists already; remove it to write it again.")
    names = NamePattern(pattern)
    for field in ("theta_xz", "plane"):
        if f"{{{field}}}" not in pattern and not (field == "plane" and plane):
            advice = " Add it, or give --plane V." if field == "plane" else " Add it."
            raise SampleError(f"pattern '{pattern}': has no field {{{field}}}.{advice}")
    events = []
    for match, tru in _files(folder, names, truth):
        described = _describe(match.fields, plane)
        relative = {"rec": match.path, "tru": tru}
        files = {kind: file.relative_to(folder).as_posix() for kind, file in relative.items()}
        with open_frames(match.path) as frames:
            events += [{"event": event, **files, **described} for event in frames.events]
    events.sort(key=_order)
    write_json(path, {"common": {"pattern": pattern}, "events": events})
    return _summary(path, events)


def _files(folder: Path, names: NamePattern, truth: str | None) -> list[tuple[NameMatch, Path]]:
    """Return the reconstruction files, each with its truth file."""
    if not folder.is_dir():
        raise SampleError(f"{folder}: there is no such folder; name the folder of the files.")
    matches = list(names.find(folder))
    pairs = [(match, _truth_file(folder, match, truth)) for match in matches]
    truths = {tru for match, tru in pairs if tru != match.path}
    pairs = [(match, tru) for match, tru in pairs if match.path not in truths]
    if not pairs:
        there = sorted(path.name for path in folder.iterdir() if path.is_file())
        names_there = f"{', '.join(there[:4])}{', ...' * (len(there) > 4)}" or "no file"
        raise SampleError(
            f"{folder}: no file fits the pattern '{names.text}'; it holds {names_there}. "
            "Correct the pattern (in quotes, so that the shell leaves it)."
        )
    return pairs


def _truth_file(folder: Path, match: NameMatch, truth: str | None) -> Path:
    if truth is None:
        return truth_beside(match.path) or match.path
    path = folder / NamePattern(truth).fill(match)
    if not path.is_file():
        raise SampleError(
            f"{match.path}: its truth file {path} is absent. Put it there, or correct --truth."
        )
    return path


def _describe(fields: dict[str, str], plane: str | None) -> Row:
    """Return plane, angles and tracks of an entry of ``meta.json``."""
    entry: Row = {"plane": fields.get("plane", plane or "").lower()}
    entry |= {key: float(fields[key]) for key in ("theta_xz", "theta_y") if key in fields}
    mev = None
    if "energy" in fields or "energy_GeV" in fields:
        mev = float(fields.get("energy", 0)) + 1000 * float(fields.get("energy_GeV", 0))
    entry["tracks"] = [{"kind": "line"}] if mev is None else [{"kind": "shower", "E_MeV": mev}]
    return entry


def _order(entry: Row) -> tuple[Any, ...]:
    energy = entry["tracks"][0].get("E_MeV", 0)
    return entry["plane"], energy, entry["theta_xz"], entry["rec"], entry["event"]


def _summary(path: Path, events: list[Row]) -> str:
    files = len({event["rec"] for event in events})
    planes = sorted({event["plane"].upper() for event in events})
    angles = sorted({event["theta_xz"] for event in events})
    energies = sorted({event["tracks"][0]["E_MeV"] for event in events if _is_shower(event)})
    text = (
        f"{path}: {len(events)} events of {files} files; plane {', '.join(planes)}; theta_xz "
        f"{', '.join(f'{angle:g}' for angle in angles)} degrees"
    )
    if energies:
        text += f"; showers of {', '.join(f'{energy:g}' for energy in energies)} MeV"
    return f"{text}."


def _is_shower(event: Row) -> bool:
    return "E_MeV" in event["tracks"][0]
