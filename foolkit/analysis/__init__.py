"""What is made of the images and of the confidences: likeness, regularity, calibration."""

from foolkit.analysis.boundary import Plane, distance_along, plane
from foolkit.analysis.calibration import (
    Reliability,
    auroc,
    bootstrap,
    calibration_error,
    calibration_error_by_chance,
    fit_temperature,
    reliability,
)
from foolkit.analysis.likeness import class_means, correlation, spectrum
from foolkit.analysis.regularity import Recurrence, bars, compressed_size, recurrence, symmetry
from foolkit.analysis.repetition import (
    Ablation,
    Drop,
    Repeats,
    ablate,
    autocorrelation,
    erase,
    find_repeats,
    tile,
    tiled_repeats,
)

__all__ = [
    "Ablation",
    "Drop",
    "Plane",
    "Recurrence",
    "Reliability",
    "Repeats",
    "ablate",
    "auroc",
    "autocorrelation",
    "bars",
    "bootstrap",
    "calibration_error",
    "calibration_error_by_chance",
    "class_means",
    "compressed_size",
    "correlation",
    "distance_along",
    "erase",
    "find_repeats",
    "fit_temperature",
    "plane",
    "recurrence",
    "reliability",
    "spectrum",
    "symmetry",
    "tile",
    "tiled_repeats",
]
