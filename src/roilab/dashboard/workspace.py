"""The W&B workspace of runs as code: sections and panels made of their charts."""

import warnings
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from roilab.dashboard.charts import Chart, Kind, list_charts, varied_settings
from roilab.dashboard.records import RecordsError, WandbRun


class WorkspaceError(RecordsError):
    """The workspace cannot be made or saved."""


def make_workspace(runs: Sequence[WandbRun], place: str) -> Any:
    """Return a ``wandb_workspaces.workspaces.Workspace``; nothing is sent.

    Args:
        runs: whose charts it shows.
        place: ``ENTITY/PROJECT`` in W&B.

    Raises:
        WorkspaceError: the package is not installed, or ``place`` has another form.
    """
    entity, slash, project = place.partition("/")
    if not (entity and slash and project) or "/" in project:
        raise WorkspaceError(f"--save {place}: expected ENTITY/PROJECT, such as my-team/roilab.")
    reports, workspaces = _packages()
    charts = list_charts(runs)
    sections = [
        workspaces.Section(
            name=name,
            panels=[panel for chart in found for panel in _panels(reports, chart, runs)],
            is_open=True,
        )
        for name, found in groupby(charts, key=lambda chart: chart.section)
    ]
    return workspaces.Workspace(
        entity=entity, project=project, name="roilab: curves, angles, events", sections=sections
    )


def save_workspace(runs: Sequence[WandbRun], place: str) -> str:
    """Save the workspace in W&B, which needs an account; return its address.

    Raises:
        WorkspaceError: W&B refuses it or cannot be reached.
    """
    workspace = make_workspace(runs, place)
    import wandb

    try:
        if not wandb.login(prompt=False):
            raise WorkspaceError(
                f"--save {place}: no W&B account is known on this machine; expected the key of "
                "one. Log in with 'wandb login' or set WANDB_API_KEY."
            )
        return str(workspace.save().url)
    except WorkspaceError:
        raise
    except Exception as error:  # any type: of the network, of GraphQL, of the package
        raise WorkspaceError(
            f"--save {place}: W&B does not take the workspace ({' '.join(str(error).split())}). "
            "Check the account, the names and the network."
        ) from error


def _packages() -> tuple[Any, Any]:
    try:
        with warnings.catch_warnings():
            # Its use of a part of pydantic that pydantic has since deprecated.
            warnings.simplefilter("ignore", DeprecationWarning)
            import wandb_workspaces.reports.v2 as reports
            from wandb_workspaces import workspaces
    except ModuleNotFoundError as error:
        raise WorkspaceError(
            "--save: the package wandb-workspaces is not installed; it makes the workspace. "
            "Install it with pip install 'roilab[dashboard]'."
        ) from error
    return reports, workspaces


def _panels(reports: Any, chart: Chart, runs: Sequence[WandbRun]) -> list[Any]:
    """Return the panels of a chart."""
    match chart.kind:
        case Kind.LINES:
            return [reports.LinePlot(title=chart.title, x="epoch", y=list(chart.keys))]
        case Kind.CURVES:
            title = next((r.custom_charts.get(chart.title) for r in runs), None) or chart.title
            return [
                reports.CustomChart(
                    query={"summaryTable": {"tableKey": chart.keys[0]}},
                    chart_name="wandb/lineseries/v0",
                    chart_fields={name: name for name in ("step", "lineKey", "lineVal")},
                    chart_strings={"title": title, "xname": "theta_xz [deg]"},
                )
            ]
        case Kind.PICTURES:
            return [reports.MediaBrowser(title=chart.title, media_keys=list(chart.keys))]
        case Kind.TABLE:
            return [reports.WeavePanelSummaryTable(table_name=key) for key in chart.keys]
        case Kind.NUMBERS:
            return [
                reports.ScatterPlot(
                    title=f"{key} against {name}",
                    x=reports.Config(name),
                    y=reports.SummaryMetric(key),
                )
                for name in varied_settings(runs)
                for key in chart.keys
            ] or [reports.BarPlot(title=chart.title, metrics=list(chart.keys))]
