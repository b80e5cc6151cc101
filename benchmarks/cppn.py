"""The indirect encoding against the forward pass that judges it, and against its peers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import neat
import networkx as nx
import torch
from torch import Tensor

import foolkit as fk
from benchmarks.evolution import as_a_user_writes_it
from benchmarks.timing import alternate, median, peak_memory, ratio
from foolkit.encodings import CPPN, CPPNGenomes
from foolkit.encodings.cppn_genomes import INPUTS

BATCH = 200
SMALL, LARGE = (1, 28, 28), (1, 256, 256)
ONE_NODE: dict[str, Callable] = {
    "sine": torch.sin,
    "sigmoid": lambda p: torch.tanh(p / 2),
    "gaussian": lambda p: torch.exp(-p.square()),
    "linear": lambda p: p.clamp(-3, 3) / 3,
}


def networks(links: int, n: int = BATCH, shape: tuple[int, int, int] = SMALL) -> CPPNGenomes:
    """``n`` networks of at least ``links`` links each: splits and new links by turns."""
    still = {"weight_rate": 0, "activation_rate": 0, "delete_link": 0, "delete_node": 0}
    grow = [CPPN(shape, **still, add_node=i, add_link=1 - i) for i in (1, 0)]
    generator = torch.Generator().manual_seed(0)
    genomes = grow[0].sample(n, generator)
    turn = 0
    while len(small := (genomes.links < links).nonzero()[:, 0]):
        grown = grow[turn % 2].vary(genomes, generator)
        genomes = genomes.clone()
        genomes.replace(small, grown, small)
        turn += 1
    return genomes


def rows() -> list[dict[str, Any]]:
    """Rendering, at three sizes of network; a generation; memory; the peers."""
    return [*_rendering(), _generation(), _memory(), *_peers()]


def _floor() -> Callable[[], object]:
    """The eager LeNet on a batch."""
    net = as_a_user_writes_it()
    images = torch.rand((BATCH, *SMALL), generator=torch.Generator().manual_seed(0))
    return torch.inference_mode()(lambda: net(images))


def _rendering() -> list[dict[str, Any]]:
    made = []
    for shape, repeats in ((SMALL, 25), (LARGE, 3)):
        encoding = CPPN(shape)
        calls: dict[str, Callable[[], object]] = {"floor": _floor()}
        for links in (5, 20, 50):
            genomes = networks(links)
            calls[str(links)] = torch.inference_mode()(
                lambda encoding=encoding, genomes=genomes: encoding.render(genomes)
            )
        seconds = alternate(calls, repeats)
        made += [
            {
                "name": f"CPPN, {shape[1]} x {shape[2]}, {links} links, {BATCH} networks at once",
                "value": ratio(seconds, str(links), "floor"),
                "bar": 2 if (shape, links) == (SMALL, 20) else None,
                "unit": "x the images/s of an eager LeNet",
                "detail": f"{BATCH / median(seconds[str(links)]):,.0f} images/s;"
                f" eager forward {BATCH / median(seconds['floor']):,.0f}",
            }
            for links in (5, 20, 50)
        ]
    return made


def _generation() -> dict[str, Any]:
    """What breeding and rendering add to the network's own time, where evolution has been."""
    net = fk.models.load("lenet")
    search = fk.evolution.MapElites(net, CPPN(net.input_shape))
    search.run(50, progress=False)
    seconds = alternate(
        {"floor": _floor(), "generation": lambda: search.run(1, progress=False)}, repeats=25
    )
    return {
        "name": "a generation of 200, CPPN, LeNet, float32",
        "value": ratio(seconds, "generation", "floor"),
        "bar": None,
        "unit": "x the images/s of an eager forward",
        "detail": f"{BATCH / median(seconds['generation']):,.0f} images/s",
    }


def _memory() -> dict[str, Any]:
    """Peak memory of a fresh process that renders 400 colour images of 256 x 256."""
    script = (
        "import torch\n"
        "from foolkit.encodings import CPPN\n"
        "encoding = CPPN((3, 256, 256))\n"
        "genomes = encoding.sample(400, torch.Generator().manual_seed(0))\n"
        "for _ in range(10):\n"
        "    genomes = encoding.vary(genomes, torch.Generator().manual_seed(0))\n"
        "encoding.render(genomes)\n"
    )
    return {
        "name": "CPPN, 256 x 256 x 3, 400 networks at once: peak memory of the process",
        "value": peak_memory(script),
        "bar": 2,
        "unit": "GiB (lower is better)",
        "detail": f"the images are {400 * 3 * 256 * 256 * 4 / 2**30:.2f} GiB of it",
        "lower": True,
    }


def _peers() -> list[dict[str, Any]]:
    """One network at a time, all pixels at once; and one pixel at a time."""
    made = []
    inputs = CPPN(SMALL)._coordinates(28, 28, torch.device("cpu"))
    points = torch.stack(list(inputs), 1).tolist()
    for links in (5, 20):
        genomes = networks(links)
        graphs = [genomes[i].graph() for i in range(20)]
        built = [_in_order(graph) for graph in graphs]
        peers = {"one network at a time": len(built), "neat-python": 1}
        calls = {
            "floor": _floor(),
            "one network at a time": lambda built=built: [_one(nodes, inputs) for nodes in built],
            "neat-python": lambda graphs=graphs: _neat(graphs[0], points),
        }
        seconds = alternate(calls, repeats=9)
        made += [
            {
                "name": f"peer: {name}, 28 x 28, {links} links",
                "value": ratio(seconds, name, "floor") * count / BATCH,
                "bar": None,
                "unit": "x the images/s of an eager LeNet",
                "detail": f"{count / median(seconds[name]):,.0f} images/s",
            }
            for name, count in peers.items()
        ]
    return made


def _in_order(graph: nx.DiGraph) -> list[tuple[str, str, list[tuple[str, float]]]]:
    """Nodes with activation and links, each after those that it hears."""
    return [
        (name, kind, [(s, w) for s, _, w in graph.in_edges(name, data="weight")])
        for name in nx.topological_sort(graph)
        if (kind := graph.nodes[name].get("activation"))
    ]


@torch.inference_mode()
def _one(nodes: list[tuple[str, str, list[tuple[str, float]]]], inputs: Tensor) -> Tensor:
    """As PyTorch-NEAT does: node by node in Python, each a tensor over all pixels."""
    values = dict(zip(INPUTS, inputs, strict=True))
    for name, kind, links in nodes:
        total = torch.zeros_like(inputs[0])
        for source, weight in links:
            total = total + weight * values[source]
        values[name] = ONE_NODE[kind](total)
    return values["out"]


def _neat(graph: nx.DiGraph, points: list[list[float]]) -> list[list[float]]:
    """neat-python's own feed-forward network, pixel by pixel."""
    functions = neat.activations.ActivationFunctionSet()
    names = {"sine": "sin", "sigmoid": "tanh", "gaussian": "gauss", "linear": "clamped"}
    keys = {name: i for i, name in enumerate(graph)}
    nodes = [
        (
            keys[name],
            functions.get(names[graph.nodes[name]["activation"]]),
            sum,
            0.0,
            1.0,
            [(keys[s], w) for s, _, w in graph.in_edges(name, data="weight")],
        )
        for name in nx.topological_sort(graph)
        if graph.nodes[name]["kind"] != "input"
    ]
    ends = [keys[name] for name in INPUTS]
    network = neat.nn.FeedForwardNetwork(ends, [keys["out"]], nodes)
    return [network.activate(point) for point in points]
