"""foolkit: how neural networks are fooled, by experiment.

Each part loads when it is first used, so that the import costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from foolkit.extras import needs

if TYPE_CHECKING:
    from foolkit import (
        analysis,
        bank,
        book,
        data,
        encodings,
        evolution,
        examination,
        gradients,
        models,
        plot,
        transforms,
        widgets,
    )
    from foolkit.book import scoreboard
    from foolkit.book.scale import scaled
    from foolkit.evolution import evolve
    from foolkit.examination import examine
    from foolkit.runs.sweep import sweep

__version__ = "0.1.0"
__all__ = [
    "analysis",
    "bank",
    "book",
    "data",
    "encodings",
    "evolution",
    "evolve",
    "examination",
    "examine",
    "gradients",
    "models",
    "plot",
    "scaled",
    "scoreboard",
    "sweep",
    "transforms",
    "widgets",
]

# what is not a module of its own name in this package, and where it is
ELSEWHERE = {
    "evolve": "foolkit.evolution",
    "examine": "foolkit.examination",
    "scaled": "foolkit.book.scale",
    "scoreboard": "foolkit.book",
    "sweep": "foolkit.runs.sweep",
}
# parts that are nothing without the libraries of the extra of their name
EXTRAS = {
    "analysis": ("scipy", "sklearn"),
    "plot": ("matplotlib", "networkx"),
    "widgets": ("anywidget",),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for library in EXTRAS.get(name, ()):
        needs(library, name)
    if name in ELSEWHERE:
        found = getattr(import_module(ELSEWHERE[name]), name)
    else:
        found = import_module(f"{__name__}.{name}")
    globals()[name] = found  # the next time it is an attribute like any other
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
