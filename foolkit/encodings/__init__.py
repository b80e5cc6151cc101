"""Genomes to images: the direct encoding (pixels)."""

from foolkit.encodings.genomes import Encoding, Genomes
from foolkit.encodings.pixels import PixelGenomes, Pixels

__all__ = ["Encoding", "Genomes", "PixelGenomes", "Pixels"]
