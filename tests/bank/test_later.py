"""What is stored of the later designs; that it is what they say, test_networks proves."""

import pytest
import torch

from foolkit.bank import later, networks


@pytest.fixture(scope="module")
def measured():
    return later.load()


def test_every_design_is_there_with_the_battery_of_the_family(measured):
    assert measured.names == tuple(later.DESIGNS)
    family = networks.load()
    for kind, history in family.history.items():
        assert measured.history[kind].shape[1:] == history.shape[1:]
    assert measured.distortion.shape == (len(measured.names), networks.DIGITS)


def test_beside_the_family_they_change_no_interval_of_it(measured):
    family = networks.load()
    both = family.joined(measured)
    assert both.names == (*family.names, *measured.names)
    assert both.designs == (*family.designs, *measured.designs)
    values = torch.arange(len(both.names)).double()
    mine = family.over(values[: len(family.names)])
    together = both.over(values)
    assert (together.value, together.low, together.high) == (mine.value, mine.low, mine.high)
    for kind in networks.GENERATIONS:
        assert torch.equal(both.passed(kind, 0.9)[-3:], measured.passed(kind, 0.9))
