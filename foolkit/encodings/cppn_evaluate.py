"""All networks times all pixels: unlike graphs of one batch, evaluated together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from foolkit.encodings.cppn_genomes import ACTIVATIONS, INPUTS, CPPNGenomes

GENOMES = 1000  # evaluated at a time
# numbers held for them at a time: few enough to stay near the processor, enough that each call is
# worth making; on a GPU, enough to fill it
CACHED, FILLING = 1 << 21, 1 << 26


@dataclass(frozen=True)
class Level:
    """Nodes that wait only for nodes of earlier levels: consecutive rows of the table of values.

    Attributes:
        sources: int64 ``[E]``, rows that the links come from, target by target.
        weights: ``[E]``, of those links.
        offsets: int64 ``[rows]``, where each target's links begin.
        runs: (activation, first row, end) of the rows of one activation, from 0 on.
        start: the level's first row in the table.
    """

    sources: Tensor
    weights: Tensor
    offsets: Tensor
    runs: list[tuple[int, int, int]]
    start: int


def evaluate(
    genomes: CPPNGenomes, inputs: Tensor, numbers: int | None = None
) -> Iterator[tuple[slice, slice, Tensor]]:
    """Every output of every genome at every point, part by part.

    A genome's values do not depend, to the last bit, on what it is evaluated with: the sum over
    a node's links is taken in the order of the links, whatever else is in the batch.

    On a GPU the sizes of the levels are read by the host, once for a thousand genomes.

    Args:
        genomes: N networks.
        inputs: ``[4, P]``, the inputs at P points; their type is the type of the arithmetic.
        numbers: how many values are held at a time, at least one point's; the memory in use is
            about twice that.

    Yields:
        Genomes, points, and the values ``[genomes, O, points]`` there, within [-1, 1].

    Raises:
        ValueError: a genome with a cycle.
    """
    if numbers is None:
        numbers = CACHED if inputs.device.type == "cpu" else FILLING
    for first in range(0, len(genomes), GENOMES):
        part = genomes[first : first + GENOMES]
        levels, outputs, rows = _schedule(part, inputs.dtype)
        points = max(1, numbers // rows)
        for left in range(0, inputs.shape[1], points):
            there = inputs[:, left : left + points]
            table = there.new_empty((rows, there.shape[1]))
            table[: len(INPUTS)] = there
            for level in levels:
                _activate(level, table)
            yield (
                slice(first, first + len(part)),
                slice(left, left + there.shape[1]),
                table.index_select(0, outputs).view(len(part), -1, there.shape[1]),
            )


def _activate(level: Level, table: Tensor) -> None:
    """Fill the level's rows of the table from the rows before."""
    sums = embedding_bag(
        level.sources, table, level.offsets, mode="sum", per_sample_weights=level.weights
    )
    functions = list(ACTIVATIONS.values())
    for activation, first, end in level.runs:
        rows = table[level.start + first : level.start + end]
        functions[activation].apply(sums[first:end], rows)


def _schedule(genomes: CPPNGenomes, dtype: torch.dtype) -> tuple[list[Level], Tensor, int]:
    """The levels in order, the rows of the outputs ``[N * O]``, and how many rows there are.

    A node's height is the longest way from it to an output; nodes without a way to an output are
    not evaluated. All nodes of the greatest height come first, of the whole batch at once, and
    those of one activation stand together.
    """
    device, inputs = genomes.target.device, len(INPUTS)
    n, outputs = genomes.outputs.shape
    size = inputs + outputs + genomes.hidden.shape[1]
    which, place = genomes.linked.nonzero(as_tuple=True)
    source = which * size + genomes.source[which, place]
    target = which * size + genomes.target[which, place]
    weight = genomes.weight[which, place].to(dtype)

    height = torch.full((n, size), -1, device=device)
    height[:, inputs : inputs + outputs] = 0
    height = _heights(height.view(-1), source, target, size)

    needed = height[target] >= 0
    source, target, weight = source[needed], target[needed], weight[needed]
    is_node = (height >= 0).view(n, size)
    is_node[:, :inputs] = False
    node = is_node.view(-1).nonzero().squeeze(1)
    kinds = len(ACTIVATIONS)
    kind = torch.cat([genomes.outputs.new_zeros((n, inputs)), genomes.outputs, genomes.hidden], 1)
    turn = (height[node].max() - height[node]) * kinds + kind.view(-1)[node]
    turn, order = turn.sort(stable=True)
    node = node[order]
    row = torch.empty(n * size, dtype=torch.int64, device=device)
    row.view(n, size)[:, :inputs] = torch.arange(inputs, device=device)
    row[node] = torch.arange(inputs, inputs + len(node), device=device)

    goal, order = row[target].sort(stable=True)  # a node's links stay in the order of its genome
    source, weight = row[source[order]], weight[order]
    begins = torch.searchsorted(goal, torch.arange(inputs, inputs + len(node) + 1, device=device))

    counts = torch.bincount(turn).tolist()
    counts += [0] * (-len(counts) % kinds)
    bounds = [0]
    for first in range(0, len(counts), kinds):
        bounds.append(bounds[-1] + sum(counts[first : first + kinds]))
    cuts = begins[bounds].tolist()
    levels: list[Level] = []
    for i, (start, end) in enumerate(pairwise(bounds)):
        runs, at = [], 0
        for activation, count in enumerate(counts[i * kinds : (i + 1) * kinds]):
            if count:
                runs.append((activation, at, at + count))
                at += count
        links = slice(cuts[i], cuts[i + 1])
        offsets = begins[start:end] - cuts[i]
        levels.append(Level(source[links], weight[links], offsets, runs, inputs + start))
    ends = row.view(n, size)[:, inputs : inputs + outputs].reshape(-1)
    return levels, ends, inputs + len(node)


def _heights(height: Tensor, source: Tensor, target: Tensor, size: int) -> Tensor:
    """Raise every source above its targets, until nothing changes."""
    for _ in range(size):
        above = height[target]
        above = torch.where(above >= 0, above + 1, above)
        raised = height.scatter_reduce(0, source, above, "amax")
        if torch.equal(raised, height):
            return height
        height = raised
    raise ValueError("genomes: expected networks without cycles, got one with a cycle")
