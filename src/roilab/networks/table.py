"""Table of the reference networks, from their JSON files."""

from roilab.reference_networks import find_reference, read_description, reference_names

Cells = dict[str, str | int | float]


def list_networks() -> tuple[list[Cells], list[str]]:
    """Return a row for every reference network, and a sentence for every incomplete one."""
    rows: list[Cells] = []
    problems = []
    for name in reference_names():
        path = find_reference(name)
        assert path is not None
        try:
            about = read_description(path)["about"]
            rows.append({
                "name": name,
                "detector": str(about["detector"]),
                "planes": " ".join(about["planes"]),
                "model": str(about["network"]),
                "parameters": int(about["parameters"]),
                "rebin": int(about["rebin"]),
                "mask threshold": float(about["mask_thresh"]),
                "size [MB]": round(path.stat().st_size / 1e6, 2),
            })  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError) as error:
            problems.append(
                f"{path.with_suffix('.json')}: cannot be read ({type(error).__name__}: {error}). "
                "Install roilab again."
            )
    return rows, problems
