"""What is made of the images and of the confidences: likeness to digits, calibration."""

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

__all__ = [
    "Plane",
    "Reliability",
    "auroc",
    "bootstrap",
    "calibration_error",
    "calibration_error_by_chance",
    "class_means",
    "correlation",
    "distance_along",
    "fit_temperature",
    "plane",
    "reliability",
    "spectrum",
]
