"""What is made of the images and of the confidences: likeness, regularity, calibration, space."""

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
from foolkit.analysis.forgeries import Forgeries
from foolkit.analysis.likeness import class_means, correlation, spectrum
from foolkit.analysis.regularity import Recurrence, bars, compressed_size, recurrence, symmetry
from foolkit.analysis.space import (
    Room,
    bend,
    exact_interval,
    nearest,
    random_directions,
    rays,
    room,
)
from foolkit.analysis.transfer import Transfer, transfer

__all__ = [
    "Forgeries",
    "Plane",
    "Recurrence",
    "Reliability",
    "Room",
    "Transfer",
    "auroc",
    "bars",
    "bend",
    "bootstrap",
    "calibration_error",
    "calibration_error_by_chance",
    "class_means",
    "compressed_size",
    "correlation",
    "distance_along",
    "exact_interval",
    "fit_temperature",
    "nearest",
    "plane",
    "random_directions",
    "rays",
    "recurrence",
    "reliability",
    "room",
    "spectrum",
    "symmetry",
    "transfer",
]
