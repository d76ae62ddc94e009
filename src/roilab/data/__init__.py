"""From frames to training items: layers, truth mask, batches."""

from roilab.config.rules import DataConfigError, RebinError
from roilab.data.cache import CacheError, ImageCache
from roilab.data.crops import CropSpec
from roilab.data.datamodule import RoiDataModule
from roilab.data.dataset import RoiDataset, TrainingItem, TruthSpec
from roilab.data.image_index import ImageSource, ImageSpec, PlaneSelection, list_images
from roilab.data.images import crop, pad_mask, rebin_mean, scale_charge, truth_mask
from roilab.data.prepare import prepare_image
from roilab.data.prepared import PreparedDataModule
from roilab.data.prepared_set import PreparedSetError
from roilab.data.simulated import SimulatedDataModule
from roilab.data.split import split_by_event

__all__ = [
    "CacheError",
    "CropSpec",
    "DataConfigError",
    "ImageCache",
    "ImageSource",
    "ImageSpec",
    "PlaneSelection",
    "PreparedDataModule",
    "PreparedSetError",
    "RebinError",
    "RoiDataModule",
    "RoiDataset",
    "SimulatedDataModule",
    "TrainingItem",
    "TruthSpec",
    "crop",
    "list_images",
    "pad_mask",
    "prepare_image",
    "rebin_mean",
    "scale_charge",
    "split_by_event",
    "truth_mask",
]
