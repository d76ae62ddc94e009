"""Data that ``roilab prepare`` has stored, as batches; no frames are needed."""

from collections.abc import Sequence
from pathlib import Path

from roilab.data.datamodule import RoiDataModule
from roilab.data.dataset import RoiDataset, TruthSpec
from roilab.data.image_codec import decode_image
from roilab.data.image_index import ImageSource, ImageSpec
from roilab.data.prepared_set import (
    PreparedSet,
    PreparedSetError,
    PreparedSource,
    check_settings,
    read_prepared_set,
)
from roilab.data.settings import DataSettings
from roilab.data.shards import DamagedRecordError, Shards
from roilab.frames import FilePair
from roilab.frames.selection import Stage
from roilab.types import Frame

_AGAIN = "Copy the folder again, or run roilab prepare again where the frames are"


class PreparedDataset(RoiDataset):
    """Training items of prepared images."""

    def __init__(
        self,
        sources: Sequence[ImageSource],
        spec: ImageSpec,
        truth: TruthSpec,
        input_scale: float,
        shards: Shards,
    ) -> None:
        super().__init__(sources, spec, truth, input_scale)
        self.shards = shards

    def make(self, index: int) -> Frame:
        """Read layers and truth charge (last) of one image.

        Raises:
            PreparedSetError: its record is damaged or was removed.
        """
        source = self.sources[index]
        assert isinstance(source, PreparedSource)
        reason = f"{self.shards.folder}: its shard was removed"
        try:
            record = self.shards.read(bytes.fromhex(source.key))
        except DamagedRecordError as error:
            record, reason = None, str(error)
        if record is None:
            raise PreparedSetError(f"{reason}; it holds {source.name}. {_AGAIN}.")
        return decode_image(record)


class PreparedDataModule(RoiDataModule):
    """Training, validation and test batches of a folder that ``roilab prepare`` has written.

    Its settings are those of ``conf/data``. Files that they name (``train_files``, ...) are looked
    for among the frame files that the images were made from.
    """

    def _sources(self) -> dict[Stage, list[ImageSource]]:
        settings, folder = self.settings, Path(self.settings.dir).expanduser()
        prepared = read_prepared_set(folder)
        check_settings(prepared, settings, folder)
        if not prepared.complete:
            raise PreparedSetError(
                f"{folder}: is not complete; run the same roilab prepare again to finish it."
            )
        self._shards = _open_shards(folder, prepared)
        self._left_out.reasons.update(prepared.left_out)
        pairs = settings.files.pairs(prepared.pairs)
        images = _select(prepared, settings, folder)
        return {
            stage: [i for pair in files for i in images[pair]] for stage, files in pairs.items()
        }

    def _dataset(self, sources: Sequence[ImageSource]) -> RoiDataset:
        settings = self.settings
        how = settings.image_spec, settings.truth_spec, settings.layer_scale
        return PreparedDataset(sources, *how, self._shards)


def _open_shards(folder: Path, prepared: PreparedSet) -> Shards:
    """Return the shards of a folder.

    Raises:
        PreparedSetError: one is absent, cut short, or of another version.
    """
    shards = Shards(folder)
    shards.refresh()
    for path, reason in shards.foreign.items():
        raise PreparedSetError(
            f"{path}: {reason}; it is damaged or of another version of roilab. {_AGAIN}."
        )
    for name, size in shards.sizes().items():
        path = folder / f"{name}.records"
        found = path.stat().st_size if path.is_file() else 0
        if found < size:
            raise PreparedSetError(
                f"{path}: holds {found} bytes; expected at least {size}. {_AGAIN}."
            )
    absent = [s for s in prepared.sources if bytes.fromhex(s.key) not in shards]
    if absent:
        raise PreparedSetError(
            f"{folder}: {len(absent)} of {len(prepared.sources)} images are absent, the first: "
            f"{absent[0].name}. {_AGAIN}."
        )
    return shards


def _select(
    prepared: PreparedSet, settings: DataSettings, folder: Path
) -> dict[FilePair, list[PreparedSource]]:
    """Return the images of every file on the planes and anodes of the configuration.

    Those of an event and anode come in the order of its planes, as from frames.

    Raises:
        PreparedSetError: a plane or anode was not prepared.
    """
    selection = settings.selection
    planes = ["+".join(selection.planes)] if selection.stack else list(selection.planes)
    apas = {source.apa for source in prepared.sources}
    for what, wanted, there in (
        ("planes", planes, prepared.planes),
        ("apas", selection.apas, apas),
    ):
        if missing := [one for one in wanted if one not in there]:
            raise PreparedSetError(
                f"{folder}: holds no images of data.{what}={missing[0]}, but of "
                f"{', '.join(there)}. Choose some of these, or prepare the frames again."
            )
    images: dict[FilePair, list[PreparedSource]] = {pair: [] for pair in prepared.pairs}
    groups: dict[tuple[FilePair, int, str], dict[str, PreparedSource]] = {}
    for source in prepared.sources:
        groups.setdefault((source.pair, source.rec_event, source.apa), {})[source.plane] = source
    for (pair, _, apa), of_planes in groups.items():
        if not selection.apas or apa in selection.apas:
            images[pair] += [of_planes[plane] for plane in planes if plane in of_planes]
    return images
