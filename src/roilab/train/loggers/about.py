"""Name, labels and tags of a run, made of its configuration."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from roilab.inference.metadata import network_name
from roilab.train.loggers.content import About, key_part
from roilab.versions import git_commit, package_versions

_HASH = 8  # characters of a commit
_SUBJECT = ("network", "rebin", "threshold")  # labels
_IN_SUBJECT = ("model", "rebin", "threshold")  # settings whose values the subject contains


def about_training(recipe: Mapping[str, Any]) -> About:
    """Return what a training is.

    Args:
        recipe: its configuration; ``job`` comes with the loggers that use names.
    """
    data, job = recipe["data"], recipe.get("job") or {}
    detector = (data.get("detector") or {}).get("name")
    labels = {
        **({"detector": str(detector)} if detector else {}),
        "plane": f"plane-{''.join(data['planes'])}",
        "network": network_slug(network_name(recipe)),
        "rebin": f"rebin{data['rebin']:g}",
        "threshold": f"thr{data['threshold']:g}",
        "commit": short_commit(),
    }
    subject = "-".join(labels[name] for name in _SUBJECT)
    parts = [subject, *varied_parts(job.get("title") or ""), f"{date.today():%Y%m%d}"]
    return About(
        name="-".join(parts),
        subject="-".join(key_part(text) for name, text in labels.items() if name != "commit"),
        job_type="train",
        group=job.get("group"),
        labels=labels,
        tags=recipe.get("tags") or (),
        command=job.get("command"),
        versions=package_versions(),
    )


def network_slug(name: str) -> str:
    """Return a network's name in lower case, ``MobileNetV3-UNet`` as ``mobilenetv3``."""
    return key_part(name.removesuffix("-UNet")).lower()


def varied_parts(title: str) -> list[str]:
    """Return the settings that a sweep varies, without those that every name contains.

    Args:
        title: of the job, such as ``rebin=4 lr=0.1``.
    """
    settings = [setting.partition("=") for setting in title.split()]
    return [key_part(f"{key}{value}") for key, _, value in settings if key not in _IN_SUBJECT]


def short_commit() -> str:
    """Return the commit of the checkout, short; ``no-commit`` where roilab is installed."""
    commit = git_commit()
    if commit is None:
        return "no-commit"
    return re.sub(rf"^([0-9a-f]{{{_HASH}}})[0-9a-f]+", r"\1", commit)
