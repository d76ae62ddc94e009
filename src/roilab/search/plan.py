"""What a search is asked for: the common settings of its trials, space, objectives, pruning."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from roilab.command_line.arguments import Arguments
from roilab.command_line.mistakes import check_arguments
from roilab.report.setting_names import override_key
from roilab.search.errors import SearchError
from roilab.search.objectives import TIME, Objective, read_objectives
from roilab.search.space import Parameter, override_text, read_space
from roilab.sweep.folder import check_jobs
from roilab.sweep.launch import compose_jobs

# Settings of roilab train that a search chooses itself, and what to do instead.
_REFUSED = {
    "resume": "trials resume by themselves",
    "resume_override": "trials resume by themselves",
    "sweep": "the folder of a study is output_dir",
    "optimized_metric": "name the metric in search.objectives",
}
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
    section: Any = OmegaConf.to_container(config.search, resolve=True)
    objectives = read_objectives(section["objectives"])
    command = []
    for one in overrides:
        top = override_key(one).split(".")[0].partition("/")[0]
        if top in _REFUSED:
            raise SearchError(f"{one}: is not for a search; {_REFUSED[top]}. Leave it out.")
        if top not in _OWN:
            command.append(one)
    space = read_space(section["space"] or {})
    given = {override_key(one): one for one in command}
    for parameter in space:
        if parameter.key in given:
            raise SearchError(
                f"{given[parameter.key]}: search.space varies {parameter.key}; leave it out here, "
                "or take it out of the space."
            )
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
        HydraException: an override does not fit.
    """
    swept = [f"{one.key}={','.join(one.examples())}" for one in plan.space]
    options = {} if config_dir is None else {"--config-dir": config_dir}
    arguments = Arguments([*plan.command, *swept], options=options)
    check_arguments("train", arguments, lambda some: _composes(plan, [*hydra, *some]))
    jobs = compose_jobs([*hydra, *plan.common()], plan.folder)
    first = check_jobs(jobs, [*plan.common(), *swept])
    _check_samples(plan, first)
    return jobs


def _composes(plan: Plan, overrides: Sequence[str]) -> bool:
    try:
        compose_jobs(overrides, plan.folder)
    except Exception:
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
