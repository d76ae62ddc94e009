"""The results of an evaluation in W&B and other loggers, with the contents of a training."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger

from roilab.building import build
from roilab.evaluate.methods import Dnn
from roilab.evaluate.run import Results
from roilab.train.loggers import About, ContentLogger, Picture, Table
from roilab.train.loggers.about import network_slug, short_commit
from roilab.train.loggers.content import angle_charts, key_part, mean_numbers
from roilab.versions import package_versions

_EPOCH = 0  # an evaluation has no epochs


@contextmanager
def open_loggers(plain: Mapping[str, Any]) -> Iterator[Callable[[Results], None]]:
    """Make the configured loggers, and return what logs results; close them at the end.

    Raises:
        RoilabError: (its subclasses) one cannot be used as configured.
    """
    parts = (plain["logger"] or {}).items()
    loggers: list[Logger] = [build(f"logger.{name}", part) for name, part in parts if part]
    failed = True
    try:
        yield partial(_log, loggers, plain)
        failed = False
    finally:
        for logger in loggers:
            logger.finalize("failed" if failed else "success")
            if isinstance(logger, ContentLogger):
                logger.close(failed)


def about_evaluation(plain: Mapping[str, Any], results: Results) -> About:
    """Return what an evaluation is."""
    spec, network = results.spec, results.network
    samples = [plain["sample"]] if isinstance(plain["sample"], str) else plain["sample"]
    labels = {
        "network": network_slug(network) if network else "no-network",
        "rebin": f"rebin{spec.rebin:g}",
        "threshold": f"thr{spec.threshold:g}",
        "sample": "-".join(key_part(Path(one).resolve().name) for one in samples),
        "commit": short_commit(),
    }
    subject = "-".join(labels[name] for name in ("network", "rebin", "threshold"))
    return About(
        name=f"{subject}-on-{labels['sample']}-{date.today():%Y%m%d}",
        subject=subject,
        job_type="evaluate",
        group=None,
        labels=labels,
        tags=plain["tags"],
        command=(plain.get("job") or {}).get("command"),
        versions=package_versions(),
    )


def _log(loggers: Sequence[Logger], plain: Mapping[str, Any], results: Results) -> None:
    """Log curves against angle, all rows, means over the angles, figures, and the verdict."""
    about, rows, verdict = about_evaluation(plain, results), results.rows, results.verdict
    for logger in loggers:
        if isinstance(logger, ContentLogger):
            logger.log_about(about)
        logger.log_hyperparams(dict(plain))
        logger.log_metrics({**mean_numbers(rows, Dnn.name), "epoch": _EPOCH}, step=_EPOCH)
        if not isinstance(logger, ContentLogger):
            continue
        for chart in angle_charts(rows):
            logger.log_angles(chart, _EPOCH)
        logger.log_rows(Table("physics/table", rows), _EPOCH)
        for path in results.figures:
            logger.log_picture(Picture(f"figures/{path.stem}", path, path.stem), _EPOCH)
        if verdict is not None:
            texts = {"verdict": verdict.kind.value, "verdict_sentence": verdict.sentence}
            logger.log_results(texts)
