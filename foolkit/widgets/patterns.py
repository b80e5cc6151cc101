"""Patterns bred live: by what the network is certain of, or by what the reader likes."""

from __future__ import annotations

from typing import Any

import torch
import traitlets
from torch import Tensor

from foolkit.checks import check_choice
from foolkit.encodings import CPPN, CPPNGenomes
from foolkit.encodings.cppn_genomes import NAMES
from foolkit.widgets.base import Widget
from foolkit.widgets.modules import module
from foolkit.widgets.traits import LAST_SEED, Images, Whole, to_tensor

ENCODING = CPPN((1, 28, 28))
CHOOSERS = ("network", "reader")
SETTINGS = (
    "activations", "max_hidden", "max_links", "weight_rate", "eta", "weight_limit",
    "activation_rate", "add_link", "delete_link", "add_node", "delete_node",
)  # fmt: skip


def to_json(genomes: CPPNGenomes) -> list[dict[str, Any]]:
    """Genomes as the page reads them.

    Returns:
        For each: ``activations``, names or None, of the outputs and of the places for hidden
        nodes; ``links``, ``[source, target, weight]`` each.
    """
    kinds = torch.cat([genomes.outputs, genomes.hidden], 1).tolist()
    ends = torch.stack([genomes.source, genomes.target]).tolist()
    return [
        {
            "activations": [NAMES[kind] if kind >= 0 else None for kind in row],
            "links": [[s, t, w] for s, t, w in zip(*links, strict=True) if t],
        }
        for row, links in zip(
            kinds, zip(*ends, genomes.weight.tolist(), strict=True), strict=True
        )
    ]  # fmt: skip


def from_json(genomes: list[dict[str, Any]], outputs: int = 1) -> CPPNGenomes:
    """The opposite of ``to_json``, with room for the encoding's most links."""
    links = torch.zeros(len(genomes), ENCODING.max_links, 3, dtype=torch.float64)
    kinds = torch.full((len(genomes), outputs + ENCODING.max_hidden), -1)
    for n, genome in enumerate(genomes):
        if genome["links"]:
            links[n, : len(genome["links"])] = torch.tensor(genome["links"], dtype=torch.float64)
        for place, name in enumerate(genome["activations"]):
            if name is not None:
                kinds[n, place] = NAMES.index(name)
    source, target, weight = links.unbind(2)
    ends, hidden = kinds[:, :outputs].clone(), kinds[:, outputs:].clone()
    return CPPNGenomes(source.long(), target.long(), weight.float(), ends, hidden)


class BreedPatterns(Widget):
    """Ten pictures drawn by CPPNs, bred in the page: by the network, or by the reader.

    "The network chooses" is MAP-Elites as in ``Breed``, with the encoding ``CPPN`` and the
    paper's rates. In "you choose" the reader picks one picture or two, whose children replace
    the others (Secretan et al. 2011); the network only says what it sees. The children of two
    have the nodes and links of one of them, and weights and activations of either where both
    have the same; then they mutate. The picture chosen last is shown large, with its graph and
    its formula.

    The page has its own random numbers: a seed gives the same run in every browser, but not
    Python's.

    Args:
        seed: 0 to 999999.
        batch: children of a generation where the network chooses, 1 to 500.
        chooser: "network" or "reader"; the page may change it.
        network: a shipped network that the page can run.

    Attributes:
        running: whether it breeds; set it to start or to pause.
        generation: of the pictures that Python knows of; -1 before the first.
        confidence: where the network chooses, of the ten elites, each in its class; else of what
            the network sees in each picture.
        answers: the classes that these confidences are of.
        images: ten images as bytes. While it runs, told at most twice a second.
        chosen: which of the ten is shown large, 0 to 9.

    Raises:
        TypeError, ValueError: a setting out of its range.
    """

    _esm = module("patterns.js")
    shown = ("seed", "batch", "chooser", "network")

    seed = Whole(0, 0, LAST_SEED)
    batch = Whole(50, 1, 500)
    chooser = traitlets.Any("network").tag(sync=True)
    encoding = traitlets.Dict({name: getattr(ENCODING, name) for name in SETTINGS}).tag(sync=True)
    running = traitlets.Bool(False).tag(sync=True)
    generation = traitlets.Int(-1).tag(sync=True)
    confidence = traitlets.List(traitlets.Float()).tag(sync=True)
    answers = traitlets.List(traitlets.Int()).tag(sync=True)
    images = Images(b"", count=None)
    bred = traitlets.List(traitlets.Dict()).tag(sync=True)
    chosen = Whole(0, 0, 9)

    def __init__(
        self,
        seed: int = 0,
        *,
        batch: int = 50,
        chooser: str = "network",
        network: str = "lenet",
    ) -> None:
        super().__init__(network=network, seed=seed, batch=batch, chooser=chooser)

    @traitlets.validate("chooser")
    def _check_chooser(self, proposal: traitlets.Bunch) -> str:
        check_choice(proposal["value"], CHOOSERS, "chooser")
        return proposal["value"]

    def pictures(self) -> Tensor:
        """The pictures that Python knows of, float32 ``[10, 1, 28, 28]`` (none: ``[0, ...]``)."""
        return to_tensor(self.images)

    def genomes(self) -> CPPNGenomes:
        """What they are drawn from, for ``fk.plot.cppn(genomes[3])`` or another size."""
        return from_json(self.bred)
