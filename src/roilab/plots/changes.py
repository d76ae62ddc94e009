"""Changes of the charge metrics under variations of the detector."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from roilab.plots.style import CLASSICAL, NETWORK_COLOURS, new_figure
from roilab.types import Row

_QUANTITIES = {
    "charge_shift": "mean change of the measured charge [%]",
    "inefficiency_rise": "mean rise of the inefficiency [%]",
}


def change_figure(rows: Sequence[Row], classical: str) -> Figure:
    """Draw a bar for every variation and name, for charge and inefficiency.

    Args:
        rows: with ``variation``, ``name``, ``charge_shift`` and ``inefficiency_rise``.
        classical: name of the classical ROIs, drawn in black below the networks.
    """
    variations = list(dict.fromkeys(str(row["variation"]) for row in rows))
    names = sorted(
        dict.fromkeys(str(row["name"]) for row in rows), key=lambda name: name == classical
    )
    figure = new_figure(10, 1.2 + 0.22 * len(variations) * (len(names) + 1))
    height = 1 / (len(names) + 1)
    for number, (quantity, label) in enumerate(_QUANTITIES.items()):
        axis = figure.add_subplot(1, 2, number + 1)
        for place, name in enumerate(names):
            values = {str(r["variation"]): r[quantity] for r in rows if r["name"] == name}
            colour = NETWORK_COLOURS[place % len(NETWORK_COLOURS)]
            axis.barh(
                [row + (place - (len(names) - 1) / 2) * height for row in range(len(variations))],
                [values[variation] for variation in variations],
                height=height,
                color=CLASSICAL if name == classical else colour,
                label=name,
            )
        axis.set_yticks(range(len(variations)), variations if number == 0 else [])
        axis.invert_yaxis()
        axis.axvline(0, color="0.5", lw=0.8)
        axis.set_xlabel(label)
        axis.grid(axis="x", alpha=0.3)
    axis.legend()
    return figure
