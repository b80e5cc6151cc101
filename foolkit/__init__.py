"""foolkit: how neural networks are fooled, by experiment."""

from foolkit import data, encodings, evolution, models, plot, scoreboard
from foolkit.evolution import evolve
from foolkit.scale import scaled

__version__ = "0.1.0.dev0"
__all__ = ["data", "encodings", "evolution", "evolve", "models", "plot", "scaled", "scoreboard"]
