"""What a search is asked for: the common settings of its trials, space, objectives, pruning."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from roilab.command_line.arguments import Arguments
from roilab.command_line.mistakes import check_arguments
from roilab.report.setting_names import override_key
from roilab.search.errors import SearchError
from roilab.search.objectives import TIME, Objective, read_objectives
from roilab.search.space import Parameter, override_text, read_space
from roilab.sweep.folder import check_jobs
from roilab.sweep.launch import compose_jobs

log = logging.getLogger(__name__)

# Settings of roilab train that a search chooses itself, and what to do instead.
_REFUSED = {
    "resume": "trials resume by themselves",
    "resume_override": "trials resume by themselves",
    "sweep": "the folder of a study is output_dir",
    "optimized_metric": "name the metric in search.objectives",
}
# Settings that change the truth mask.
_TRUTH = ("rebin", "channel_rebin", "truth", "threshold", "pad", "pad_unit")
_OWN = ("search", "output_dir", "dry_run", "submit")
# Callbacks that a search adds to its trials.
PRUNE, INFERENCE_TIME = "callbacks.search_prune", "callbacks.search_time"


@dataclass(frozen=True)
class Plan:
    """A search.

    Attributes:
        folder: of the study.
        command: overrides that all trials have in common, as the user gave them.
        space: settings that the trials vary.
        objectives: what is optimized.
        prune_by: validation metric of each epoch by which trials end early.
        sampler: how settings are chosen, and
        pruner: which trials end early: classes of Optuna with their arguments.
        seed: of the sampler.
        trials: their number.
    """

    folder: Path
    command: tuple[str, ...]
    space: tuple[Parameter, ...]
    objectives: tuple[Objective, ...]
    prune_by: Objective | None
    sampler: dict[str, Any]
    pruner: dict[str, Any]
    seed: int
    trials: int

    def common(self) -> list[str]:
        """Return the overrides of all trials, with the callbacks that the search adds."""
        return [*self.command, *self._callbacks()]

    def _callbacks(self) -> Iterator[str]:
        if self.prune_by is not None:
            part = {
                "_target_": "roilab.search.pruning.PruneTrial",
                "monitor": self.prune_by.name,
                "opposite": self.prune_by.maximize != self.objectives[0].maximize,
                "pruner": self.pruner,
            }
            yield f"+{PRUNE}={override_text(part)}"
            yield f"+{PRUNE}.folder=${{run_dir}}"
        if any(one.name == TIME for one in self.objectives):
            yield f"+{INFERENCE_TIME}._target_=roilab.search.inference_time.InferenceTime"


def read_plan(config: DictConfig, overrides: Sequence[str]) -> Plan:
    """Read what a search is asked for.

    Args:
        config: composed from ``conf/search.yaml``.
        overrides: of the command line.

    Raises:
        SearchError: a setting does not fit.
    """
    if config.output_dir is None:
        raise SearchError(
            "output_dir is not given: add output_dir=FOLDER, a new folder, or that of a study to "
            "go on with."
        )
    section: Any = OmegaConf.to_container(config.search, resolve=True)
    objectives = read_objectives(section["objectives"])
    command = _training_overrides(overrides)
    space = read_space(section["space"] or {})
    _check_space(space, command)
    return Plan(
        Path(config.output_dir),
        tuple(command),
        space,
        objectives,
        _prune_by(section["prune_by"], objectives),
        section["sampler"],
        section["pruner"],
        section["seed"],
        section["trials"],
    )


def _training_overrides(overrides: Sequence[str]) -> list[str]:
    """Return the overrides that every trial gets."""
    command = []
    for one in overrides:
        top = override_key(one).split(".")[0].partition("/")[0]
        if top in _REFUSED:
            raise SearchError(f"{one}: is not for a search; {_REFUSED[top]}. Leave it out.")
        if top not in _OWN:
            command.append(one)
    return command


def _check_space(space: Sequence[Parameter], command: Sequence[str]) -> None:
    """Check that no setting is both searched and given."""
    given = {override_key(one): one for one in command}
    for parameter in space:
        if parameter.key in given:
            raise SearchError(
                f"{given[parameter.key]}: search.space varies {parameter.key}; leave it out here, "
                "or take it out of the space."
            )


def _prune_by(name: str | None, objectives: tuple[Objective, ...]) -> Objective | None:
    several = len(objectives) > 1
    if name is None or (name == "auto" and (several or not objectives[0].of_each_epoch)):
        return None
    if several:
        raise SearchError(
            f"search.prune_by={name} with {len(objectives)} objectives; Optuna ends trials early "
            "for one objective only. Set search.prune_by=null."
        )
    chosen = objectives[0] if name == "auto" else read_objectives([name])[0]
    if not chosen.of_each_epoch:
        raise SearchError(
            f"search.prune_by={name}; expected a validation metric of each epoch, such as "
            "val/dice. Correct it, or set search.prune_by=null."
        )
    return chosen


def check_trials(plan: Plan, config_dir: str | None, hydra: Sequence[str]) -> DictConfig:
    """Check the common settings with each value of the space before anything is written.

    Args:
        plan: the search.
        config_dir: folder with configuration files of the user.
        hydra: overrides of Hydra's settings.

    Returns:
        What all trials have in common, composed.

    Raises:
        RoilabError: (its subclasses too) a key does not exist or a value does not fit.
    """
    values = [f"{one.key}={text}" for one in plan.space for text in one.examples()]
    options = {} if config_dir is None else {"--config-dir": config_dir}
    arguments = Arguments([*plan.command, *values], options=options)
    check_arguments("train", arguments, lambda some: _composes(plan, [*hydra, *some]))
    swept = [f"{one.key}={','.join(one.examples())}" for one in plan.space]
    try:
        jobs = compose_jobs([*hydra, *plan.common()], plan.folder)
        first = check_jobs(jobs, [*plan.common(), *swept])
    except (HydraException, OmegaConfBaseException) as error:
        lines = " ".join(str(error).split())
        raise SearchError(
            f"The settings of the trials do not compose: {lines}. Correct the command or "
            "search.space."
        ) from error
    _check_samples(plan, first)
    for text in incomparable(plan):
        log.warning("%s", text)
    return jobs


def _composes(plan: Plan, overrides: Sequence[str]) -> bool:
    try:
        compose_jobs(overrides, plan.folder)
    except (HydraException, OmegaConfBaseException):
        return False
    return True


def _check_samples(plan: Plan, job: DictConfig) -> None:
    """Check that charge metrics are computed where they are objectives."""
    named = next((one.name for one in plan.objectives if one.needs_samples), None)
    samples = [OmegaConf.select(job, f"data.{key}") for key in ("samples", "simulated_samples")]
    if named is None or (any(samples) and OmegaConf.select(job, "callbacks.physics_metrics")):
        return
    raise SearchError(
        f"search.objectives: {named} is computed on samples of known angle; name their folders in "
        "data.samples, and keep callbacks.physics_metrics."
    )


def incomparable(plan: Plan) -> Iterator[str]:
    """Yield a sentence on each metric that cannot be compared between the trials."""
    metrics = {one.name for one in (*plan.objectives, plan.prune_by) if one is not None}
    masks = [one.key for one in plan.space if one.key in {f"data.{name}" for name in _TRUTH}]
    losses = [one.key for one in plan.space if one.key.split(".")[0] == "loss"]
    for name in sorted(metrics):
        if masks and name.startswith(("val/", "test/")):
            yield (
                f"{name} of the trials cannot be compared: {', '.join(masks)} changes the truth "
                "mask that it is computed with; optimize physics/..., with search.prune_by=null."
            )
        elif losses and name.endswith("/loss"):
            yield (
                f"{name} of the trials cannot be compared: {', '.join(losses)} changes what it "
                "is; optimize another metric, such as val/dice."
            )
