"""What every widget shares: its styles, its weights, an honest repr."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anywidget
import traitlets

from foolkit.models import faces, mtcnn, shipped, squeezenet
from foolkit.widgets.modules import SOURCES, joined
from foolkit.widgets.traits import Line

FACES = "faces"  # what the page calls the face networks, which share a file
PHOTOGRAPHS = squeezenet.NAME  # the network of photographs, which runs in a worker of the page
SEARCH = "visual-search"  # what the page needs of the search by picture, and wallpapers for it
WORKER = "photo_worker.js"  # the worker's program
# that network.js knows: LeNet and fully connected ones; a ResNet or a transformer is not run there
ARCHITECTURES = ("LeNet", "FC10", "FC100-100-10", "FC200-200-10", "FC123-456-10")


def runs_in_the_page(network: str) -> bool:
    """Whether ``network.js`` knows the architecture of a shipped network."""
    return shipped.card(network)["architecture"] in ARCHITECTURES


def digit_networks() -> list[str]:
    """The shipped networks that the page can run."""
    return [name for name in shipped.available() if runs_in_the_page(name)]


def files(network: str) -> dict[str, Callable[[], bytes]]:
    """The files that the page may ask for to run a widget's ``network``, and what reads each.

    Its weights, and of the network of photographs the worker's program. They are no part of a
    widget's state: a site has each once, whatever number of widgets and pages share it.
    """
    name = f"{network}.safetensors"
    if network == PHOTOGRAPHS:
        return {name: squeezenet.float16_weights, WORKER: lambda: joined(WORKER).encode()}
    if network == SEARCH:
        from foolkit.bank import world  # with photographs, which few widgets need

        return {name: world.for_the_page}
    if network in mtcnn.NAMES:
        return {name: lambda: mtcnn.float32_weights(network)}
    path = faces.WEIGHTS if network == FACES else shipped.WEIGHTS / name
    return {name: path.read_bytes}


def check_network(name: str, argument: str, known: Sequence[str] | None = None) -> str:
    """The name, or ``ValueError`` unless the page can run that network.

    ``known`` are those that it can run, by default ``digit_networks()``.
    """
    known = digit_networks() if known is None else known
    if name in known:
        return name
    message = f"{argument}: expected one that the page can run ({', '.join(known)}), got {name!r}"
    if name in shipped.available():
        message += f": {shipped.card(name)['architecture']} runs in Python only"
    raise ValueError(message)


class Widget(anywidget.AnyWidget):
    """A widget that runs wholly in the page; with a kernel, Python reads and sets its traits.

    Set traits are checked at once: a bad value raises, and the old one stays.

    Attributes:
        network: name of a shipped network that the page runs, "faces" where it runs those that
            judge faces, or "" for none.
        networks: names of any others.
    """

    _css = (SOURCES / "widgets.css").read_text("utf-8")
    network = Line()
    networks = traitlets.List(traitlets.Unicode()).tag(sync=True)
    shown: tuple[str, ...] = ()  # traits that the repr names

    def __init__(self, **traits: Any) -> None:
        unknown = [name for name in traits if name not in self.trait_names()]
        if unknown:
            raise TypeError(f"{unknown[0]}: {type(self).__name__} has no such argument")
        super().__init__(**traits)
        self.on_msg(self._answer)

    @traitlets.validate("network")
    def _check_network(self, proposal: traitlets.Bunch) -> str:
        return proposal["value"] and check_network(proposal["value"], "network", self._networks())

    def _networks(self) -> list[str]:
        """The networks that this widget can run."""
        return digit_networks()

    def _answer(self, _: Any, content: Any, __: Any) -> None:
        """The page asks for a network's file; on the book's site, the site itself answers."""
        file = content.get("file") if isinstance(content, dict) else None
        for name in filter(None, (self.network, *self.networks)):
            if read := files(name).get(str(file)):
                self.send({"file": file}, buffers=[read()])
                return

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.shown)
        return f"{type(self).__name__}({settings})"
