"""Changes to networks: of weights, activations, links and nodes, and crossover."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from foolkit.encodings.cppn_genomes import INPUTS, CPPNGenomes
from foolkit.encodings.pixels import polynomial_mutation


def mutate_weights(
    genomes: CPPNGenomes, rate: float, eta: float, limit: float, generator: torch.Generator
) -> CPPNGenomes:
    """Each weight, with probability ``rate``, by polynomial mutation on [-limit, limit]."""
    genes = genomes.weight / (2 * limit) + 0.5
    mutated = polynomial_mutation(genes, rate, eta, generator)
    changed = genomes.linked & (mutated != genes)  # the others keep every bit
    return _replace(genomes, weight=torch.where(changed, (2 * mutated - 1) * limit, genomes.weight))


def mutate_activations(
    genomes: CPPNGenomes, rate: float, kinds: Tensor, generator: torch.Generator
) -> CPPNGenomes:
    """Each node's activation, with probability ``rate``, drawn anew (perhaps the same again)."""

    def redrawn(activation: Tensor) -> Tensor:
        change = _uniform(activation.shape, generator) < rate
        drawn = kinds[torch.randint(len(kinds), activation.shape, **_on(generator))]
        return torch.where(change & (activation >= 0), drawn, activation)

    return _replace(genomes, outputs=redrawn(genomes.outputs), hidden=redrawn(genomes.hidden))


def add_link(
    genomes: CPPNGenomes, rate: float, limit: float, generator: torch.Generator
) -> CPPNGenomes:
    """With probability ``rate``, a link of uniform weight, where no cycle comes of it.

    Its source is any input or hidden node; its target any output or hidden node that is not an
    ancestor of the source, and has no link from it. Without such a target, or at the limit of
    links, nothing happens.
    """
    n, outputs = genomes.outputs.shape
    inputs = genomes.hidden.new_ones((n, len(INPUTS)), dtype=torch.bool)
    ends = genomes.hidden.new_ones((n, outputs), dtype=torch.bool)
    alive = genomes.hidden >= 0
    source, _ = _choose(torch.cat([inputs, ~ends, alive], 1), generator)
    free = torch.cat([~inputs, ends, alive], 1) & ~ancestors(genomes, source)
    taken = torch.where(genomes.source == source[:, None], genomes.target, 0)
    free = free.scatter(1, taken, False)  # those that are not taken write to the first input
    target, found = _choose(free, generator)
    room = ~genomes.linked
    happens = (_uniform(n, generator) < rate) & found & room.any(1)
    weight = (2 * _uniform(n, generator) - 1) * limit
    return _write_link(genomes, _first(room) & happens[:, None], source, target, weight)


def delete_link(genomes: CPPNGenomes, rate: float, generator: torch.Generator) -> CPPNGenomes:
    """With probability ``rate``, one link less; which, is uniform. Nodes stay."""
    place, found = _choose(genomes.linked, generator)
    happens = (_uniform(len(genomes), generator) < rate) & found
    return _without_links(genomes, _at(place, genomes.linked) & happens[:, None])


def split_link(
    genomes: CPPNGenomes, rate: float, kinds: Tensor, generator: torch.Generator
) -> CPPNGenomes:
    """With probability ``rate``, a new node amid a link; both halves have the link's weight.

    The link is any, the activation of the node too. At the limit of nodes or of links nothing
    happens.
    """
    n, outputs = genomes.outputs.shape
    place, found = _choose(genomes.linked, generator)
    vacant, room = genomes.hidden < 0, ~genomes.linked
    happens = (_uniform(n, generator) < rate) & found & vacant.any(1) & room.any(1)
    drawn = kinds[torch.randint(len(kinds), (n, 1), **_on(generator))]
    born = _first(vacant)
    node = born.int().argmax(1) + len(INPUTS) + outputs
    old = place[:, None]
    target, weight = genomes.target.gather(1, old)[:, 0], genomes.weight.gather(1, old)[:, 0]
    genomes = _write_link(genomes, _first(room) & happens[:, None], node, target, weight)
    first_half = _at(place, room) & happens[:, None]
    return _replace(
        genomes,
        target=torch.where(first_half, node[:, None], genomes.target),
        hidden=torch.where(born & happens[:, None], drawn, genomes.hidden),
    )


def delete_node(genomes: CPPNGenomes, rate: float, generator: torch.Generator) -> CPPNGenomes:
    """With probability ``rate``, one hidden node less, with all its links."""
    alive = genomes.hidden >= 0
    place, found = _choose(alive, generator)
    happens = ((_uniform(len(genomes), generator) < rate) & found)[:, None]
    node = (place + len(INPUTS) + genomes.outputs.shape[1])[:, None]
    gone = genomes.linked & ((genomes.source == node) | (genomes.target == node)) & happens
    hidden = torch.where(_at(place, alive) & happens, -1, genomes.hidden)
    return _replace(_without_links(genomes, gone), hidden=hidden)


def crossover(genomes: CPPNGenomes, probability: float, generator: torch.Generator) -> CPPNGenomes:
    """Cross the pairs (0, 1), (2, 3), ... with ``probability`` a pair.

    Each child has the nodes and links of one parent. Where the other parent has the same link
    (between nodes of the same numbers) or the same node, weight or activation are of either with
    probability 1/2. Thus no cycle can come of it. An odd last genome has no mate and is copied.
    """
    n = len(genomes)
    mate = torch.arange(n, device=genomes.source.device)
    mate = torch.where((mate ^ 1) < n, mate ^ 1, mate)
    other = genomes[mate]
    happens = (_uniform((n + 1) // 2, generator) < probability).repeat_interleave(2)[:n, None]

    def either(shape: torch.Size) -> Tensor:
        return (_uniform(shape, generator) < 0.5) & happens

    size = len(INPUTS) + genomes.outputs.shape[1] + genomes.hidden.shape[1]
    own, their = (g.source * size + g.target for g in (genomes, other))
    same = (own[:, :, None] == their[:, None, :]) & genomes.linked[:, :, None]
    weight = other.weight.gather(1, same.int().argmax(2))
    take = either(weight.shape) & same.any(2)
    both = (genomes.hidden >= 0) & (other.hidden >= 0)
    return _replace(
        genomes,
        weight=torch.where(take, weight, genomes.weight),
        outputs=torch.where(either(genomes.outputs.shape), other.outputs, genomes.outputs),
        hidden=torch.where(either(both.shape) & both, other.hidden, genomes.hidden),
    )


def trim(genomes: CPPNGenomes, room: int) -> CPPNGenomes:
    """Without the last places for links, where no genome has one; ``room`` places more are kept.

    A CPU has the less to do; on a GPU nothing is trimmed, since the host would have to wait.
    """
    if genomes.target.device.type != "cpu":
        return genomes
    used = genomes.linked.any(0).nonzero()
    width = (int(used[-1]) + 1 if len(used) else 0) + room
    links = {name: getattr(genomes, name)[:, :width] for name in ("source", "target", "weight")}
    return _replace(genomes, **links)


def pack(genomes: CPPNGenomes, width: int) -> CPPNGenomes:
    """Links in the first places, in their order; ``width`` places in all."""
    order = (~genomes.linked).sort(dim=1, stable=True).indices

    def packed(field: Tensor) -> Tensor:
        return torch.nn.functional.pad(field.gather(1, order), (0, width - field.shape[1]))

    return _replace(
        genomes,
        source=packed(genomes.source),
        target=packed(genomes.target),
        weight=packed(genomes.weight),
    )


def ancestors(genomes: CPPNGenomes, node: Tensor) -> Tensor:
    """bool ``[N, nodes]``: from where each genome's ``node`` ``[N]`` can be reached, itself too."""
    outputs, hidden = genomes.outputs.shape[1], genomes.hidden.shape[1]
    size = len(INPUTS) + outputs + hidden
    found = torch.arange(size, device=node.device) == node[:, None]
    for _ in range(hidden):
        above = torch.where(found.gather(1, genomes.target) & genomes.linked, genomes.source, -1)
        grown = found.scatter(1, torch.where(above >= 0, above, node[:, None]), True)
        # on a GPU the question would make the host wait
        if node.device.type == "cpu" and torch.equal(grown, found):
            break
        found = grown
    return found


def _replace(genomes: CPPNGenomes, **changes: Tensor) -> CPPNGenomes:
    return CPPNGenomes(**{**genomes.tensors(), **changes})


def _write_link(
    genomes: CPPNGenomes, place: Tensor, source: Tensor, target: Tensor, weight: Tensor
) -> CPPNGenomes:
    """A link at ``place`` (bool ``[N, L]``, at most one a genome)."""
    return _replace(
        genomes,
        source=torch.where(place, source[:, None], genomes.source),
        target=torch.where(place, target[:, None], genomes.target),
        weight=torch.where(place, weight[:, None], genomes.weight),
    )


def _without_links(genomes: CPPNGenomes, gone: Tensor) -> CPPNGenomes:
    return _replace(
        genomes,
        source=genomes.source.masked_fill(gone, 0),
        target=genomes.target.masked_fill(gone, 0),
        weight=genomes.weight.masked_fill(gone, 0),
    )


def _choose(among: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A uniform place ``[N]`` where ``among`` ``[N, M]`` is true, and whether there is any."""
    return (_uniform(among.shape, generator) + 1).mul_(among).argmax(1), among.any(1)


def _first(among: Tensor) -> Tensor:
    """bool ``[N, M]``: the first place of each row where ``among`` is true."""
    return among & (among.cumsum(1) == 1)


def _at(place: Tensor, like: Tensor) -> Tensor:
    """bool, of the shape of ``like`` ``[N, M]``: true at ``place`` ``[N]``."""
    return torch.arange(like.shape[1], device=place.device) == place[:, None]


def _uniform(shape: int | torch.Size | tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.rand(shape, **_on(generator))


def _on(generator: torch.Generator) -> dict[str, Any]:
    return {"generator": generator, "device": generator.device}
