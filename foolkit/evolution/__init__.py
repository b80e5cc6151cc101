"""MAP-Elites, its archive, its result."""

from foolkit.evolution.elites import Elites, History
from foolkit.evolution.map_elites import Archive, MapElites, evolve
from foolkit.files import read_png

__all__ = ["Archive", "Elites", "History", "MapElites", "evolve", "read_png"]
