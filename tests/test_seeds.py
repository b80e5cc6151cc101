import numpy as np
import pytest
import torch

from foolkit.seeds import check_seed, generator_of, seed_of, seeds_of_parts


@pytest.mark.parametrize("seed", [3, np.int64(3), np.uint8(3)])
def test_integers_of_python_and_of_numpy_are_the_same_seed(seed):
    assert check_seed(seed) == 3
    assert torch.equal(
        torch.rand(4, generator=generator_of(seed)), torch.rand(4, generator=generator_of(3))
    )


def test_a_generator_is_handed_on():
    draws = torch.Generator().manual_seed(5)
    assert generator_of(draws) is draws


def test_a_generator_of_another_device_is_refused():
    with pytest.raises(ValueError, match="seed: expected a generator on meta, got one on cpu"):
        generator_of(torch.Generator(), "meta")


@pytest.mark.parametrize("seed", [None, "0", 0.5, 1.0, True, np.True_, torch.tensor(1)])
def test_what_is_no_integer_is_refused(seed):
    with pytest.raises(TypeError, match="seed: expected an integer from 0"):
        generator_of(seed)


@pytest.mark.parametrize("seed", [-1, 2**63, 2**70])
def test_integers_out_of_range_are_refused(seed):
    with pytest.raises(ValueError, match=r"seed: expected an integer from 0 to 2\^63 - 1, got"):
        generator_of(seed)


def test_parts_of_two_runs_share_no_seed():
    seeds = [seed for run in range(50) for seed in seeds_of_parts(run, 50)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_the_first_parts_do_not_depend_on_how_many_follow():
    assert seeds_of_parts(7, 3) == seeds_of_parts(7, 9)[:3]
    assert seeds_of_parts(7, 3) == seeds_of_parts(np.int64(7), 3)


def test_a_seed_is_drawn_from_a_generator_and_moves_it_on():
    draws = torch.Generator().manual_seed(4)
    first, second = seed_of(draws), seed_of(draws)
    assert first != second
    assert first == seed_of(torch.Generator().manual_seed(4))
    assert seed_of(np.int64(7)) == 7
