"""From frames to samples: layers, truth mask, batches."""

from roilab.data.cache import CacheError, ImageCache
from roilab.data.datamodule import DataConfigError, RoiDataModule
from roilab.data.dataset import RoiDataset, Sample, TargetRecipe
from roilab.data.image_index import ImageRecipe, ImageSource, PlaneSelection, list_images
from roilab.data.images import RebinError, crop, pad_mask, rebin_mean, scale_charge, truth_mask
from roilab.data.prepare import open_tags, prepare_image
from roilab.data.simulated import SimulatedDataModule
from roilab.data.split import split_by_event

__all__ = [
    "CacheError",
    "DataConfigError",
    "ImageCache",
    "ImageRecipe",
    "ImageSource",
    "PlaneSelection",
    "RebinError",
    "RoiDataModule",
    "RoiDataset",
    "Sample",
    "SimulatedDataModule",
    "TargetRecipe",
    "crop",
    "list_images",
    "open_tags",
    "pad_mask",
    "prepare_image",
    "rebin_mean",
    "scale_charge",
    "split_by_event",
    "truth_mask",
]
