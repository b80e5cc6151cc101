"""Networks as genomes: nodes and links in tensors, their formula and their graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from foolkit.encodings.genomes import Genomes
from foolkit.extras import needs

if TYPE_CHECKING:
    import networkx as nx

INPUTS = ("x", "y", "d", "1")  # two coordinates, distance to the centre, a constant


class Activation(NamedTuple):
    """What a node does with the weighted sum ``p`` of its links; all stay within [-1, 1].

    Attributes:
        formula: for a reader.
        apply: from ``p`` to a given tensor of its shape.
    """

    formula: str
    apply: Callable[[Tensor, Tensor], Tensor]


# A genome stores the place in this table: append only. The first four are the paper's.
ACTIVATIONS = {
    "sine": Activation("sin(p)", lambda p, out: torch.sin(p, out=out)),
    "sigmoid": Activation(
        "2 / (1 + exp(-p)) - 1", lambda p, out: torch.sigmoid(p, out=out).mul_(2).sub_(1)
    ),
    "gaussian": Activation(
        "exp(-p^2)",
        # numbers too small for a float's full precision are slow, ten times: none below exp(-80)
        lambda p, out: torch.square(p, out=out).clamp_(max=80).neg_().exp_(),
    ),
    "linear": Activation(
        "min(max(p, -3), 3) / 3", lambda p, out: torch.clamp(p, -3, 3, out=out).div_(3)
    ),
    "tanh": Activation("tanh(5 p)", lambda p, out: torch.mul(p, 5, out=out).tanh_()),
    "cosine": Activation("cos(p)", lambda p, out: torch.cos(p, out=out)),
    "absolute": Activation(
        "min(|p|, 3) / 3", lambda p, out: torch.abs(p, out=out).clamp_(max=3).div_(3)
    ),
}
NAMES = tuple(ACTIVATIONS)


@dataclass
class CPPNGenomes(Genomes):
    """N networks of at most L links, H hidden nodes, and O outputs.

    Nodes have numbers: 0 to 3 are the inputs x, y, d and 1; then the O outputs; then the H
    places for hidden nodes. A link leads from an input or a hidden node to an output or a hidden
    node; there are no cycles, and at most one link from a node to another.

    Attributes:
        source: int64 ``[N, L]``, node where each link begins; 0 where there is no link.
        target: int64 ``[N, L]``, node where it ends; 0 where there is no link.
        weight: float32 ``[N, L]``; 0 where there is no link.
        outputs: int64 ``[N, O]``, activation of each output, a place in ``ACTIVATIONS``.
        hidden: int64 ``[N, H]``, activation of each hidden node; -1 where there is no node.
    """

    source: Tensor
    target: Tensor
    weight: Tensor
    outputs: Tensor
    hidden: Tensor

    @property
    def linked(self) -> Tensor:
        """bool ``[N, L]``: where there is a link. An input is never a target."""
        return self.target > 0

    @property
    def links(self) -> Tensor:
        """int64 ``[N]``: links of each genome."""
        return self.linked.sum(1)

    @property
    def nodes(self) -> Tensor:
        """int64 ``[N]``: hidden nodes of each genome."""
        return (self.hidden >= 0).sum(1)

    def graph(self) -> nx.DiGraph:
        """The one genome as a graph: nodes x, y, d, 1, h1, h2, ... and out (out1, out2, out3).

        Every node has a ``kind`` ("input", "hidden" or "output"), all but inputs an
        ``activation``; every link has a ``weight``. Nodes that no output depends on are in it.

        Raises:
            ValueError: more or less than one genome.
        """
        if len(self) != 1:
            raise ValueError(f"genomes: expected one genome, such as genomes[0], got {len(self)}")
        needs("networkx", "plot")
        import networkx as nx

        outputs, hidden = self.outputs[0].tolist(), self.hidden[0].tolist()
        ends = ["out"] if len(outputs) == 1 else [f"out{i + 1}" for i in range(len(outputs))]
        names = [*INPUTS, *ends, *(f"h{i + 1}" for i in range(len(hidden)))]
        made = nx.DiGraph()
        made.add_nodes_from(INPUTS, kind="input")
        for name, kind in zip(names[len(INPUTS) :], outputs + hidden, strict=True):
            if kind >= 0:
                role = "output" if name in ends else "hidden"
                made.add_node(name, kind=role, activation=NAMES[kind])
        links = zip(
            self.source[0].tolist(), self.target[0].tolist(), self.weight[0].tolist(), strict=True
        )
        made.add_edges_from((names[a], names[b], {"weight": w}) for a, b, w in links if b)
        return made

    def describe(self) -> str:
        """The formula of the one genome: a line for each node that the picture depends on.

        Raises:
            ValueError: more or less than one genome.
        """
        graph = self.graph()
        from networkx import lexicographical_topological_sort

        shown = needed(graph)
        lines, used = [], set()
        for name in lexicographical_topological_sort(graph, key=_order):
            activation = graph.nodes[name].get("activation")
            if name in shown and activation is not None:
                terms = [(w, s) for s, _, w in graph.in_edges(name, data="weight")]
                lines.append(f"{name} = {activation}({_sum(terms)})")
                used.add(activation)
        where = [f"  {name}(p) = {ACTIVATIONS[name].formula}" for name in NAMES if name in used]
        return "\n".join([*lines, "where", *where])


def needed(graph: nx.DiGraph) -> set[str]:
    """The nodes of ``CPPNGenomes.graph`` that the picture depends on: outputs, what leads there."""
    from networkx import ancestors

    ends = [name for name, kind in graph.nodes(data="kind") if kind == "output"]
    return set(ends).union(*(ancestors(graph, end) for end in ends))


def _order(name: str) -> tuple[int, int]:
    """Hidden nodes by number, outputs last."""
    number = int("".join(filter(str.isdigit, name)) or 0)
    return name.startswith("out"), number


def _sum(terms: list[tuple[float, str]]) -> str:
    """``2.5 x - 3 d + 0.7`` of weights and names."""
    text = ""
    for weight, name in terms:
        sign = "-" if weight < 0 else "+"
        text += f" {sign} {abs(weight):.3g}" + (f" {name}" if name != "1" else "")
    text = text.removeprefix(" + ")
    return (text.replace(" - ", "-", 1) if text.startswith(" - ") else text) or "0"
