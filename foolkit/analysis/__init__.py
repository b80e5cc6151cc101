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
from foolkit.analysis.firing import Firing, Reference, activations
from foolkit.analysis.likeness import class_means, correlation, spectrum
from foolkit.analysis.regularity import Recurrence, bars, compressed_size, recurrence, symmetry
from foolkit.analysis.scramble import Scramble, cut, paste, scramble, shuffle_tiles
from foolkit.analysis.transfer import Forgeries, Transfer, transfer

__all__ = [
    "Firing",
    "Forgeries",
    "Plane",
    "Recurrence",
    "Reference",
    "Reliability",
    "Scramble",
    "Transfer",
    "activations",
    "auroc",
    "bars",
    "bootstrap",
    "calibration_error",
    "calibration_error_by_chance",
    "class_means",
    "compressed_size",
    "correlation",
    "cut",
    "distance_along",
    "fit_temperature",
    "paste",
    "plane",
    "recurrence",
    "reliability",
    "scramble",
    "shuffle_tiles",
    "spectrum",
    "symmetry",
    "transfer",
]
