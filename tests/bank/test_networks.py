"""What is stored of each network is what the network itself says."""

import pytest
import torch

import foolkit as fk
from foolkit.bank import later, networks
from tools.bank.networks import stepped, uniform


@pytest.fixture(scope="module")
def measured():
    return networks.load()


def test_every_network_is_there_and_every_column_has_its_shape(measured):
    m = len(measured.names)
    assert measured.names == networks.NAMES
    assert measured.uniform.sum(1).tolist() == [networks.UNIFORM] * m
    for kind, generations in networks.GENERATIONS.items():
        shape = (m, networks.RUNS[kind], generations + 1, 10)
        assert measured.history[kind].shape == shape
        assert bool((measured.history[kind].diff(dim=2) >= 0).all())  # an elite is never lost
    for kind in networks.SHOWN:
        assert measured.elites[kind].shape == (m, networks.RUNS[kind], 10, 1, 28, 28)
    assert measured.distortion.shape == measured.shaken.shape == (m, networks.DIGITS)
    assert measured.climbed.shape == (m, networks.PAINTED)


@pytest.mark.parametrize("name", [*networks.NAMES[::4], *later.DESIGNS])
def test_a_network_judges_its_forgeries_as_it_did(measured, name):
    if name in later.DESIGNS:
        measured, net = later.load(), fk.models.load(name)
    else:
        net = networks.network(name)
    place = measured.names.index(name)
    for kind in networks.SHOWN:
        for run, elites in enumerate(measured.elites[kind][place]):
            again = fk.models.predict(net, elites).diagonal()
            assert torch.allclose(again, measured.history[kind][place, run, -1], atol=1e-3)
    answer = fk.models.predict(net, measured.neighbours[place]).argmax(1)
    assert (answer != measured.truth[place]).double().mean() >= 0.9  # a few are lost in rounding


def test_measuring_again_finds_the_same(measured):
    place = measured.names.index("dense-1")  # the fastest
    net = networks.network("dense-1")
    seen = uniform(net)["uniform"].long()
    assert int((seen - measured.uniform[place]).abs().sum()) <= 0.01 * networks.UNIFORM
    assert torch.allclose(stepped(net)["stepped"], measured.stepped[place], atol=0.01)


def test_the_interval_is_over_the_family_alone(measured):
    values = torch.full((len(measured.names),), 0.5)
    values[:2] = 100.0
    found = measured.over(values)
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)
    with pytest.raises(ValueError, match="one of each of 23"):
        measured.over(values[1:])


def test_designs_count_alike_in_the_mean_and_widen_the_interval(measured):
    residual = torch.tensor([design == "residual" for design in measured.designs]).double()
    found = measured.over(residual)
    assert found.value == pytest.approx(1 / 7)
    assert found.low == 0
    assert found.high > 0.3  # one design in seven, drawn with replacement


def test_what_passed_is_counted_from_then_on(measured):
    for kind in networks.GENERATIONS:
        passed = measured.passed(kind, 0.9999)
        for place in passed.isfinite().nonzero()[:, 0].tolist():
            generation = int(passed[place])
            medians = measured.history[kind][place, :, generation].quantile(0.5, dim=1)
            assert (medians >= 0.9999).double().mean() >= 0.5
        last = measured.history[kind][passed.isinf(), :, -1].quantile(0.5, dim=2)
        assert bool((last < 0.9999).any(1).all())
        counts = measured.certain(kind, networks.GENERATIONS[kind])
        assert bool((counts[passed.isfinite()] >= 2.5).all())  # 5 of 10 in half of the runs
    with pytest.raises(ValueError, match="kind"):
        measured.passed("rings", 0.9)
    with pytest.raises(ValueError, match="generation"):
        measured.certain("patterns", 71)


def test_another_name_is_refused():
    with pytest.raises(ValueError, match="name"):
        networks.network("vit")
