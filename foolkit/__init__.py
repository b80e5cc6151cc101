"""foolkit: how neural networks are fooled, by experiment."""

from foolkit import (
    analysis,
    bank,
    data,
    encodings,
    evolution,
    gradients,
    models,
    plot,
    widgets,
)
from foolkit.book import scoreboard
from foolkit.book.scale import scaled
from foolkit.evolution import evolve
from foolkit.runs.sweep import sweep

__version__ = "0.1.0"
__all__ = [
    "analysis",
    "bank",
    "data",
    "encodings",
    "evolution",
    "evolve",
    "gradients",
    "models",
    "plot",
    "scaled",
    "scoreboard",
    "sweep",
    "widgets",
]
