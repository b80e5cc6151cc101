"""Where random numbers come from: a seed or a generator, and seeds for the parts of a long run."""

from __future__ import annotations

import operator
from typing import SupportsIndex

import numpy as np
import torch

Seed = SupportsIndex | torch.Generator


def check_seed(seed: SupportsIndex, argument: str = "seed") -> int:
    """The seed as an integer of Python; NumPy's integers are welcome.

    Raises:
        TypeError: not an integer.
        ValueError: not in 0 ... 2^63 - 1, what PyTorch's generators take.
    """
    expected = f"{argument}: expected an integer from 0 to 2^63 - 1"
    if isinstance(seed, bool | np.bool_ | torch.Tensor):
        raise TypeError(f"{expected}, got {seed!r}")
    try:
        number = operator.index(seed)
    except TypeError:
        raise TypeError(f"{expected}, got {seed!r}") from None
    if not 0 <= number < 2**63:
        raise ValueError(f"{expected}, got {number}")
    return number


def generator_of(
    seed: Seed, device: torch.device | str = "cpu", argument: str = "seed"
) -> torch.Generator:
    """``seed`` itself if it is a generator, else a generator on ``device`` with that seed.

    Raises:
        TypeError: neither an integer nor a generator.
        ValueError: a seed out of range, a generator of another device.
    """
    if isinstance(seed, torch.Generator):
        if seed.device != torch.device(device):
            raise ValueError(
                f"{argument}: expected a generator on {device}, got one on {seed.device}"
            )
        return seed
    return torch.Generator(device).manual_seed(check_seed(seed, argument))


def seed_of(seed: Seed, argument: str = "seed") -> int:
    """The seed as an integer; from a generator, one that is drawn from it.

    Raises:
        TypeError: neither an integer nor a generator.
        ValueError: a seed out of range.
    """
    if isinstance(seed, torch.Generator):
        return int(torch.randint(2**63 - 1, (), generator=seed, device=seed.device))
    return check_seed(seed, argument)


def seeds_of_parts(seed: SupportsIndex, parts: int) -> list[int]:
    """A seed for each part of a long run, by NumPy's ``SeedSequence``.

    No part shares its random numbers with another, nor with a part of a run of another seed; the
    first seeds do not depend on how many follow.
    """
    children = np.random.SeedSequence(check_seed(seed)).spawn(parts)
    return [int(child.generate_state(1, np.uint64)[0] >> np.uint64(1)) for child in children]
