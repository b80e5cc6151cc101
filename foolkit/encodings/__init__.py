"""Genomes to images: the direct encoding (pixels) and the indirect one (CPPN)."""

from foolkit.encodings.cppn import CPPN
from foolkit.encodings.cppn_genomes import ACTIVATIONS, CPPNGenomes
from foolkit.encodings.genomes import Encoding, Genomes
from foolkit.encodings.pixels import PixelGenomes, Pixels

__all__ = [
    "ACTIVATIONS",
    "CPPN",
    "CPPNGenomes",
    "Encoding",
    "Genomes",
    "PixelGenomes",
    "Pixels",
]
