"""MAP-Elites, its archive, its result."""

from foolkit.evolution.elites import Elites, History, read_png
from foolkit.evolution.map_elites import Archive, MapElites, evolve

__all__ = ["Archive", "Elites", "History", "MapElites", "evolve", "read_png"]
