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
from foolkit.analysis.firing import Firing, Reference, activations
from foolkit.analysis.forgeries import Forgeries
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
from foolkit.analysis.scores import (
    Estimate,
    Mistakes,
    accuracy_refusing,
    errors,
    over_networks,
    rubbish,
    scores,
)
from foolkit.analysis.scramble import Scramble, cut, paste, scramble, shuffle_tiles
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
    "Ablation",
    "Drop",
    "Estimate",
    "Firing",
    "Forgeries",
    "Mistakes",
    "Plane",
    "Recurrence",
    "Reference",
    "Reliability",
    "Repeats",
    "Room",
    "Scramble",
    "Transfer",
    "ablate",
    "accuracy_refusing",
    "activations",
    "auroc",
    "autocorrelation",
    "bars",
    "bend",
    "bootstrap",
    "calibration_error",
    "calibration_error_by_chance",
    "class_means",
    "compressed_size",
    "correlation",
    "cut",
    "distance_along",
    "erase",
    "errors",
    "exact_interval",
    "find_repeats",
    "fit_temperature",
    "nearest",
    "over_networks",
    "paste",
    "plane",
    "random_directions",
    "rays",
    "recurrence",
    "reliability",
    "room",
    "rubbish",
    "scores",
    "scramble",
    "shuffle_tiles",
    "spectrum",
    "symmetry",
    "tile",
    "tiled_repeats",
    "transfer",
]
