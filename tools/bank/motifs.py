"""Finds motifs that are evidence for a digit: ``python -m tools.bank.motifs``, some minutes."""

from __future__ import annotations

import time

import torch

from foolkit.analysis import find_motifs, log_odds
from foolkit.bank import motifs
from foolkit.files import as_bytes
from foolkit.models import load
from tools.bank import program


def main() -> None:
    """Command line: find them again."""
    chosen = program.options("motifs", __doc__).parse_args()
    classes = torch.arange(10).repeat_interleave(motifs.EACH)
    stored = {}
    for name in motifs.NETWORKS:
        start = time.process_time()
        net = load(name)
        found = find_motifs(net, classes)
        stored[name] = as_bytes(found).numpy().reshape(10, motifs.EACH, 1, 7, 7)
        black = log_odds(net, torch.zeros(10, 1, 28, 28), torch.arange(10)).mean()
        program.write(chosen.out, motifs.FILE, stored)
        print(f"{name}: {time.process_time() - start:.0f} s; black {black:.2f}", flush=True)


if __name__ == "__main__":
    main()
