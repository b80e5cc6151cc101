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

__all__ = [
    "Plane",
    "Recurrence",
    "Reliability",
    "auroc",
    "bars",
    "bootstrap",
    "calibration_error",
    "calibration_error_by_chance",
    "class_means",
    "compressed_size",
    "correlation",
    "distance_along",
    "fit_temperature",
    "plane",
    "recurrence",
    "reliability",
    "spectrum",
    "symmetry",
]
