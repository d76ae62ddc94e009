"""Several processes of a training leave out the same events, also where only one cannot read."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from roilab.data import dataset
from roilab.entry_point import config_dir
from roilab.frames import FrameFileError
from two_processes import in_two_processes

UNREADABLE = {0: ("g4-rec-0.h5", 101), 1: ("g4-rec-1.h5", 110)}  # by process


def batches(rank: int, frames: Path, conf: Path) -> tuple[Any, ...]:
    """Return what is left out, the images of each stage, and the batches of this process."""
    prepare = dataset.prepare_image

    def read(source: Any, spec: Any) -> Any:
        if (source.pair.rec.name, source.rec_event) == UNREADABLE[rank]:
            raise FrameFileError(f"{source.event_name}: the disk of process {rank} fails.")
        return prepare(source, spec)

    dataset.prepare_image = read
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        overrides = ["data=tiny", f"data.dir={frames}", "data.on_error=skip", "data.cache=null"]
        search = f"hydra.searchpath=[file://{conf}]"
        data = instantiate(compose("train", [search, *overrides]).data)
    if rank == 0:
        data.prepare_data()  # as Lightning does, in one process only
    data.setup("fit")
    data.setup("validate")
    data.trainer = SimpleNamespace(global_rank=rank, world_size=2)
    names = [[s.name for s in data.dataset(stage).sources] for stage in data.stages]
    return sorted(data.left_out), names, len(list(data.train_dataloader()))


def test_all_processes_leave_out_the_same_events(frames_dir: Path, user_conf: Path) -> None:
    work = partial(batches, frames=frames_dir, conf=user_conf)
    one, two = in_two_processes(work)
    assert one == two
    left_out, (train, val), steps = one
    assert left_out == ["g4-rec-0.h5 event 101", "g4-rec-1.h5 event 110"]
    assert len(train) + len(val) == 3
    assert steps >= 1
