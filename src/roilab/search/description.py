"""``sweep.json`` of a study: what all its processes must agree on."""

import json
from collections.abc import Mapping
from typing import Any

from roilab.atomic_write import write_json
from roilab.report.setting_names import override_key
from roilab.search.errors import SearchError
from roilab.search.plan import INFERENCE_TIME, PRUNE, Plan
from roilab.sweep.names import SWEEP_FILE
from roilab.sweep.output_folder import check_no_run
from roilab.sweep.status import now

_ADVICE = "Give the same search, or choose another output_dir to start a new one."


def check_description(plan: Plan) -> None:
    """Write ``sweep.json``, or compare the search with the one that the folder holds.

    Call it under the lock of the study.

    Raises:
        SearchError: the folder holds another search or a sweep.
        FolderError: it is the folder of a training.
    """
    path, search = plan.folder / SWEEP_FILE, _describe(plan)
    check_no_run(plan.folder)
    if not path.is_file():
        content = {
            "format": 1,
            "command": plan.common(),
            "swept": [one.key for one in plan.space],
            "jobs": None,
            "search": search,
            "started": now(),
        }
        write_json(path, content)
        return
    try:
        content = json.loads(path.read_text())
        before, command = content.get("search"), [str(one) for one in content["command"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SearchError(
            f"{path}: cannot be read ({error}); expected a file of roilab search. {_ADVICE}"
        ) from error
    if before is None:
        raise SearchError(f"{plan.folder}: holds a sweep; choose another output_dir.")
    _compare(f"{plan.folder}: holds the study of another search", before, search)
    old, new = [one for one in command if not _added(one)], list(plan.command)
    removed, more = [o for o in old if o not in new], [n for n in new if n not in old]
    if removed or more:
        had, has = " ".join(removed) or "nothing else", " ".join(more) or "nothing instead"
        raise SearchError(
            f"{plan.folder}: holds the study of another command: it had {had}, this has {has}. "
            f"{_ADVICE}"
        )


def _describe(plan: Plan) -> dict[str, Any]:
    return {
        "space": {one.key: one.record() for one in plan.space},
        "objectives": [one.name for one in plan.objectives],
        "maximize": [one.maximize for one in plan.objectives],
        "prune_by": None if plan.prune_by is None else plan.prune_by.name,
    }


def _compare(what: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise an error that names the first difference."""
    old, new = before.get("space", {}), now["space"]
    for key in dict.fromkeys([*old, *new]):
        if old.get(key) != new.get(key):
            raise SearchError(
                f"{what}: its space has {key}={_text(old.get(key))}, this one "
                f"{_text(new.get(key))}. {_ADVICE}"
            )
    for key in ("objectives", "maximize", "prune_by"):
        if before.get(key) != now[key]:
            raise SearchError(
                f"{what}: it had search.{key}={_text(before.get(key))}, this has "
                f"{_text(now[key])}. {_ADVICE}"
            )


def _added(override: str) -> bool:
    return override_key(override).startswith((PRUNE, INFERENCE_TIME))


def _text(value: Any) -> str:
    return "none" if value is None else json.dumps(value).replace('"', "")
