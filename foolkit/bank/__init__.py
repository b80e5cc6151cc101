"""The bank: forgeries of four families, made on three shipped networks, as 8-bit images.

Many runs on many networks are what an interval of transfer needs, and too slow for a chapter.
``python -m tools.bank.families`` makes the bank anew; ``load`` reads it.
"""

from foolkit.bank import (
    certified,
    champions,
    defended,
    faces,
    features,
    few,
    graded,
    guarded,
    hardened,
    later,
    motifs,
    networks,
    photographs,
    reseeded,
    retrained,
    synthesis,
    world,
)
from foolkit.bank.store import FAMILIES, VICTIMS, card, load

__all__ = [
    "FAMILIES",
    "VICTIMS",
    "card",
    "certified",
    "champions",
    "defended",
    "faces",
    "features",
    "few",
    "graded",
    "guarded",
    "hardened",
    "later",
    "load",
    "motifs",
    "networks",
    "photographs",
    "reseeded",
    "retrained",
    "synthesis",
    "world",
]
