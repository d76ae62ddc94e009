"""Tables of the arguments of classes, by import path: what ``_target_`` names in ``conf/``.

Limits are those outside which a class cannot work, not those of reasonable choices. A key that is
absent here is not checked.
"""

from collections.abc import Mapping

from roilab.config.combined_kinds import Each, Either, Free, ListOf, Null, Range, Section
from roilab.config.kinds import Choice, Flag, Kind, Number, Text, Whole
from roilab.config.limits import (
    COUNT,
    MONITOR,
    NOT_NEGATIVE,
    PAD_UNIT,
    PART,
    PLANE_LETTERS,
    PLANES,
    POSITIVE,
    SIZE,
    TAGS,
    WIDTHS,
)
from roilab.config.loggers import LOGGERS
from roilab.config.path_kinds import File, Folder
from roilab.config.simulation import SIMULATION, SIMULATION_PARTS

Table = Mapping[str, Kind]

_DATA: Table = {
    "detector": Free(),
    "dir": Folder("folder of the frame files"),
    "rec": Text(),
    "tru": Text(),
    "reader": Free(),
    "train_files": Null(TAGS),
    "val_files": Null(TAGS),
    "test_files": Null(ListOf(kind=Text())),
    "samples": ListOf(kind=Folder()),
    "val_fraction": Number(above=0, below=1),
    "split_seed": SIZE,
    "shuffle_seed": SIZE,
    "layers": TAGS,
    "truth": TAGS,
    "planes": PLANES,
    "stack": Flag(),
    "channel_range": Null(Range()),
    "tick_range": Null(Range()),
    "apas": Null(ListOf(kind=SIZE, least=1)),
    "first_channel": Null(SIZE),
    "rebin": COUNT,
    "channel_rebin": COUNT,
    "normalization": Choice("scalar", "layer"),
    "input_scale": POSITIVE,
    "threshold": NOT_NEGATIVE,
    "pad": SIZE,
    "pad_unit": PAD_UNIT,
    "batch_size": COUNT,
    "val_batch_size": COUNT,
    "crop": Section({
        "per_image": Null(COUNT),
        "channels": COUNT,
        "slices": COUNT,
        "signal": PART, "prolonged": PART, "empty": PART,
        "prolonged_slices": COUNT,
    }),
    "augment": Section({
        "flip": PART,
        "gain": ListOf(kind=POSITIVE, least=2, most=2),
        "dead_channels": PART,
        "shift": SIZE,
        "noise": NOT_NEGATIVE,
        "not_charge": ListOf(kind=Text()),
        "from_other_planes": ListOf(kind=Text()),
    }),
    "num_workers": SIZE,
    "pin_memory": Null(Flag()),
    "cache": Null(Section({"dir": Text(), "max_gb": POSITIVE})),
    "on_error": Choice("stop", "skip"),
}  # fmt: skip

_LIMIT = Null(Either(PART, Whole(low=1)))  # part of all batches, or their number
_TRAINER: Table = {
    "default_root_dir": Null(Text()),
    "accelerator": Choice("auto", "cpu", "gpu", "cuda", "mps", "tpu"),
    "devices": Either(
        Choice("auto", "-1"), COUNT, ListOf(kind=SIZE, least=1), Text(r"\d+(,\d*)*", "0,1")
    ),
    "num_nodes": COUNT,
    "strategy": Text(),
    "threads": Null(COUNT),
    "precision": Choice(
        *("auto", "32-true", "32", "bf16-mixed", "16-mixed", "bf16-true", "16-true", "bf16", "16"),
        *("64-true", "64", "transformer-engine", "transformer-engine-float16"),
    ),
    "max_epochs": Null(Whole(low=-1)),
    "min_epochs": Null(SIZE),
    "max_steps": Whole(low=-1),
    "min_steps": Null(SIZE),
    "accumulate_grad_batches": COUNT,
    "gradient_clip_val": Null(NOT_NEGATIVE),
    "gradient_clip_algorithm": Null(Choice("norm", "value")),
    "check_val_every_n_epoch": COUNT,
    "num_sanity_val_steps": Whole(low=-1),
    "log_every_n_steps": SIZE,
    "fast_dev_run": Either(Flag(), SIZE),
    "enable_model_summary": Flag(),
    "enable_progress_bar": Flag(),
    "deterministic": Either(Flag(), Choice("warn")),
    "benchmark": Null(Flag()),
    "detect_anomaly": Flag(),
    "sync_batchnorm": Flag(),
    "use_distributed_sampler": Flag(),
    "limit_train_batches": _LIMIT,
    "limit_val_batches": _LIMIT,
    "limit_test_batches": _LIMIT,
    "overfit_batches": Either(PART, Whole(low=1)),
    "plugins": Free(),
}

_DISPLAY: Table = {
    "pictures": Null(ListOf(kind=Choice("display", "waveforms", "evolution", "comparison"))),
    "formats": ListOf(kind=Choice("png", "pdf", "svg"), least=1),
    "dpi": COUNT,
    "html": Flag(),
    "html_mb": POSITIVE,
    "zoom": Choice("signal", "full"),
    "zoom_margin": ListOf(kind=SIZE, least=2, most=2),
    "zoom_part": PART,
    "zoom_window": ListOf(kind=COUNT, least=2, most=2),
    "channels": Null(Range()),
    "ticks": Null(Range()),
    "channel": Null(SIZE),
    "margin": SIZE,
    "panels": Null(ListOf(kind=Text())),
    "columns": COUNT,
    "chain": ListOf(kind=Text()),
    "adc_tags": ListOf(kind=Text()),
    "mask_tags": ListOf(kind=Text()),
    "axis": Choice("tick", "us"),
    "scale": Choice("linear", "symlog"),
    "linear_below": POSITIVE,
    "charge_limit": Null(POSITIVE),
    "pool": Choice("max", "mean"),
    "outline_ticks": NOT_NEGATIVE,
    "charge_cut": Null(Number()),
}

_PHYSICS: Table = {
    "decon_charge": Text(),
    "gauss": Text(),
    "node": Section({
        "tick_pad_multiple": SIZE,
        "nchunks": COUNT,
        "input_offset": Number(),
        "output_scale": Number(),
        "output_offset": Number(),
        "save_negative_charge": Flag(),
    }),
    "charge": Section({
        "min_truth": NOT_NEGATIVE,
        "max_bad": Number(),
        "replicas": SIZE,
        "block_channels": COUNT,
        "seed": SIZE,
    }),
    "roi_frames": Free(),
    "window": Choice("truth", "channel"),
    "margin": SIZE,
    "profile_wires": COUNT,
    "truth_threshold": NOT_NEGATIVE,
}  # fmt: skip

_NET: Table = {"n_layers": COUNT, "align_corners": Flag(), "decoder_widths": WIDTHS}
_ENCODER_WIDTHS: Table = {**_NET, "encoder_widths": WIDTHS}
_TIMM: Table = {
    **_NET,
    "encoder": Text(),
    "encoder_weights": Null(File()),
    "pretrained": Flag(),
    "encoder_options": Free(),
    "full_width": COUNT,
}
_TRANSFORMER: Table = {**_ENCODER_WIDTHS, "heads": COUNT, "depth": COUNT, "hidden": COUNT}
_FOLDER_AND_EVERY: Table = {"output_dir": Text(), "every_n_epochs": SIZE}
_MONITORED: Table = {"monitor": MONITOR, "mode": Choice("min", "max")}
_DIRPATH: Table = {"dirpath": Text(), "filename": Text(), "auto_insert_metric_name": Flag()}

PARTS: Mapping[str, Table] = {
    **SIMULATION_PARTS,
    **LOGGERS,
    "roilab.data.RoiDataModule": _DATA,
    "roilab.data.PreparedDataModule": {
        **_DATA,
        "dir": Folder("folder that roilab prepare has written"),
    },
    "roilab.data.SimulatedDataModule": {
        **_DATA,
        "dir": Text(),  # made on first use
        "simulation": Section(SIMULATION),
        "simulated_samples": Null(Each.of(Null(Section(SIMULATION)))),
    },
    "roilab.models.FastUNet": _ENCODER_WIDTHS,
    "roilab.models.UNet": _ENCODER_WIDTHS,
    "roilab.models.UResNet": _ENCODER_WIDTHS,
    "roilab.models.NestedUNet": {**_NET, "widths": WIDTHS},
    "roilab.models.TransformerUNet": _TRANSFORMER,
    "roilab.models.TimmUNet": _TIMM,
    "roilab.models.MobileNetV2UNet": _TIMM,
    "roilab.train.losses.WeightedBce": {"pos_weight": POSITIVE},
    "roilab.train.losses.DiceBce": {"dice_weight": NOT_NEGATIVE, "smooth": NOT_NEGATIVE},
    "roilab.train.losses.Focal": {"gamma": NOT_NEGATIVE, "alpha": PART},
    "torch.optim.SGD": {
        "lr": POSITIVE,
        "momentum": NOT_NEGATIVE,
        "weight_decay": NOT_NEGATIVE,
        "fused": Null(Flag()),
        "nesterov": Flag(),
    },
    "torch.optim.AdamW": {
        "lr": POSITIVE,
        "weight_decay": NOT_NEGATIVE,
        "eps": NOT_NEGATIVE,
        "fused": Null(Flag()),
    },
    "torch.optim.lr_scheduler.CosineAnnealingLR": {"T_max": COUNT},
    "torch.optim.lr_scheduler.ReduceLROnPlateau": {
        "factor": Number(above=0, below=1),
        "patience": SIZE,
    },
    "lightning.Trainer": _TRAINER,
    "roilab.train.checkpointing.SaveBest": {
        **_MONITORED,
        **_DIRPATH,
        "enable_version_counter": Flag(),
        "save_top_k": Whole(low=-1),
        "every_n_epochs": Null(SIZE),
    },
    "roilab.train.save_last.SaveLast": {"output_dir": Text(), "grace_s": NOT_NEGATIVE},
    "roilab.train.checkpointing.EarlyStopping": {
        **_MONITORED,
        "patience": SIZE,
        "min_delta": Number(),
        "check_finite": Flag(),
    },
    "roilab.train.callbacks.pictures.EventPictures": {
        **_FOLDER_AND_EVERY,
        "events": SIZE,
        "every_n_epochs": COUNT,
    },
    "roilab.train.callbacks.best_worst_events.BestWorstEvents": {
        "output_dir": Text(),
        "images": COUNT,
    },
    "roilab.evaluate.callback.PhysicsMetrics": {
        **_FOLDER_AND_EVERY,
        "images_per_angle": Null(COUNT),
        "physics": Section(_PHYSICS),
    },
    "roilab.sweep.htcondor.HTCondor": {
        "request_cpus": COUNT,
        "request_gpus": SIZE,
        "request_memory": Text(),
        "request_disk": Text(),
        "max_retries": SIZE,
        "processes": COUNT,
        "environment": ListOf(kind=Text()),
        "extra": Free(),
    },
    "roilab.search.pruning.PruneTrial": {
        "folder": Text(),
        "monitor": MONITOR,
        "opposite": Flag(),
        "pruner": Free(),
    },
    "optuna.samplers.TPESampler": {"n_startup_trials": SIZE},
    "optuna.pruners.MedianPruner": {"n_startup_trials": SIZE, "n_warmup_steps": SIZE},
    "roilab.train.callbacks.pictures.LossCurves": {"path": Text()},
    "roilab.train.callbacks.export.ExportTorchScript": {"path": Text()},
    "roilab.evaluate.settings.PhysicsSettings": _PHYSICS,
    "roilab.inference.RoiFrames": {
        "charge": Null(Text()),
        "mask": Null(Text()),
        "probability": Null(Text()),
        "sparse": Flag(),
    },
    "roilab.export.settings.ExportSettings": {
        "precision": Choice("float32", "bf16", "int8"),
        "calibration": Null(Folder()),
        "max_memory_mb": Null(POSITIVE),
        "format": Choice("torchscript", "onnx"),
        "licence": Null(Text()),
    },
    "roilab.export.anode.AnodeSettings": {
        "planes": Null(PLANE_LETTERS),
        "planes_of": Null(Each.of(PLANE_LETTERS)),
        "classical": Null(Text(r"[A-Za-z_]\w*", "a tag without the number of the anode")),
    },
    "roilab.display.settings.DisplaySettings": _DISPLAY,
}
