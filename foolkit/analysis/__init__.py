"""What is made of the images and of the confidences: likeness, regularity, calibration, space."""

from foolkit.analysis.accidents import Accidents, accidents, textures
from foolkit.analysis.boundary import Plane, answers_on_plane, distance_along
from foolkit.analysis.calibration import (
    Reliability,
    auroc,
    calibration_error,
    calibration_error_by_chance,
    fit_temperature,
    reliability,
)
from foolkit.analysis.detectors import (
    Detector,
    Energy,
    FeatureNeighbours,
    Mahalanobis,
    MaxScore,
    MaxSoftmax,
    PixelNeighbours,
    acceptance_threshold,
    score_all,
)
from foolkit.analysis.faces import logits_apart
from foolkit.analysis.firing import Firing, Reference, activations
from foolkit.analysis.forgeries import Forgeries
from foolkit.analysis.guarded import Guarded
from foolkit.analysis.interval_bounds import certified_in_box, interval_bounds, least_margins
from foolkit.analysis.intervals import (
    Interval,
    bootstrap,
    exact_interval,
    exact_share,
    mean_interval,
)
from foolkit.analysis.likeness import class_means, pixel_correlation, power_spectrum
from foolkit.analysis.motifs import (
    Placed,
    fill_blocks,
    fill_cells,
    find_motifs,
    matched_pairs,
    place_motifs,
    worth_of_regions,
)
from foolkit.analysis.odin import ODIN
from foolkit.analysis.openmax import OpenMax
from foolkit.analysis.regularity import (
    Recurrence,
    compressed_size,
    recurrence,
    symmetry,
    variance_in_bars,
)
from foolkit.analysis.rejection import Rejection, rejection
from foolkit.analysis.repetition import (
    Ablation,
    Drop,
    Repeats,
    ablate,
    autocorrelation,
    erase_masked,
    find_repeats,
    log_odds,
    tile_motif,
    tiled_repeats,
)
from foolkit.analysis.robustness import Robustness, robustness
from foolkit.analysis.scores import (
    Mistakes,
    accuracy_refusing,
    class_scores,
    mistakes,
    mistakes_on_rubbish,
    over_networks,
)
from foolkit.analysis.scramble import (
    Scramble,
    fade_seams,
    mosaic,
    scramble,
    seam_step,
    shuffle_tiles,
)
from foolkit.analysis.search import Behind, Embedding, Search, discs, in_front
from foolkit.analysis.smoothing import (
    ABSTAIN,
    Certificate,
    Smoothed,
    smoothed_certify,
    smoothed_predict,
)
from foolkit.analysis.space import (
    ClassShares,
    answers_along_rays,
    bend_from_tangent,
    class_shares,
    nearest_images,
    random_directions,
)
from foolkit.analysis.transfer import Transfer, transfer
from foolkit.data.tiles import cut_tiles, paste_tiles

__all__ = [
    "ABSTAIN",
    "ODIN",
    "Ablation",
    "Accidents",
    "Behind",
    "Certificate",
    "ClassShares",
    "Detector",
    "Drop",
    "Embedding",
    "Energy",
    "FeatureNeighbours",
    "Firing",
    "Forgeries",
    "Guarded",
    "Interval",
    "Mahalanobis",
    "MaxScore",
    "MaxSoftmax",
    "Mistakes",
    "OpenMax",
    "PixelNeighbours",
    "Placed",
    "Plane",
    "Recurrence",
    "Reference",
    "Rejection",
    "Reliability",
    "Repeats",
    "Robustness",
    "Scramble",
    "Search",
    "Smoothed",
    "Transfer",
    "ablate",
    "acceptance_threshold",
    "accidents",
    "accuracy_refusing",
    "activations",
    "answers_along_rays",
    "answers_on_plane",
    "auroc",
    "autocorrelation",
    "bend_from_tangent",
    "bootstrap",
    "calibration_error",
    "calibration_error_by_chance",
    "certified_in_box",
    "class_means",
    "class_scores",
    "class_shares",
    "compressed_size",
    "cut_tiles",
    "discs",
    "distance_along",
    "erase_masked",
    "exact_interval",
    "exact_share",
    "fade_seams",
    "fill_blocks",
    "fill_cells",
    "find_motifs",
    "find_repeats",
    "fit_temperature",
    "in_front",
    "interval_bounds",
    "least_margins",
    "log_odds",
    "logits_apart",
    "matched_pairs",
    "mean_interval",
    "mistakes",
    "mistakes_on_rubbish",
    "mosaic",
    "nearest_images",
    "over_networks",
    "paste_tiles",
    "pixel_correlation",
    "place_motifs",
    "power_spectrum",
    "random_directions",
    "recurrence",
    "rejection",
    "reliability",
    "robustness",
    "score_all",
    "scramble",
    "seam_step",
    "shuffle_tiles",
    "smoothed_certify",
    "smoothed_predict",
    "symmetry",
    "textures",
    "tile_motif",
    "tiled_repeats",
    "transfer",
    "variance_in_bars",
    "worth_of_regions",
]
