"""Live widgets: the real network in the reader's page, with or without a kernel.

Each is one JavaScript module beside its Python class. ``network.js`` is LeNet, forwards and
backwards, in plain JavaScript; ``attack.js`` and ``evolution.js`` are this book's two ways of
fooling it; ``toy.js`` is five small models that learn in the page; ``squeezenet.js`` is a network
of photographs, which runs in the worker ``photo_worker.js``. All are written to be read.
"""

from foolkit.widgets.breed import Breed
from foolkit.widgets.breed_for_name import BreedForName
from foolkit.widgets.camera_scene import CameraScene
from foolkit.widgets.climb import Climb
from foolkit.widgets.defence_bench import DefenceBench
from foolkit.widgets.draw_and_fool import DrawAndFool
from foolkit.widgets.eraser import Eraser
from foolkit.widgets.face_builder import FaceBuilder
from foolkit.widgets.fool_photograph import FoolPhotograph
from foolkit.widgets.gallery import Gallery
from foolkit.widgets.jigsaw import Jigsaw
from foolkit.widgets.judges import Judges
from foolkit.widgets.mystery_defence import MysteryDefence
from foolkit.widgets.one_pixel import OnePixel
from foolkit.widgets.patch_drag import PatchDrag
from foolkit.widgets.patterns import BreedPatterns
from foolkit.widgets.predict import Predict
from foolkit.widgets.press_until_fooled import PressUntilFooled
from foolkit.widgets.quiz import Quiz
from foolkit.widgets.slices import SliceExplorer
from foolkit.widgets.temperature import NoiseAndTemperature
from foolkit.widgets.threshold import Threshold
from foolkit.widgets.toy_plane import ToyPlane
from foolkit.widgets.wallpaper_chooser import WallpaperChooser

__all__ = [
    "Breed",
    "BreedForName",
    "BreedPatterns",
    "CameraScene",
    "Climb",
    "DefenceBench",
    "DrawAndFool",
    "Eraser",
    "FaceBuilder",
    "FoolPhotograph",
    "Gallery",
    "Jigsaw",
    "Judges",
    "MysteryDefence",
    "NoiseAndTemperature",
    "OnePixel",
    "PatchDrag",
    "Predict",
    "PressUntilFooled",
    "Quiz",
    "SliceExplorer",
    "Threshold",
    "ToyPlane",
    "WallpaperChooser",
]
