"""What is stored of each network is what the network itself says."""

import pytest
import torch

import foolkit as fk
from foolkit.bank import later, networks
from tools.bank.networks import bend, held_out, rays, room, stepped, uniform


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


def test_what_was_made_on_a_network_fools_it_and_is_no_original():
    for kind in networks.FORGED:
        made = networks.forgeries("tanh-2", kind)
        said = fk.models.predict(networks.network("tanh-2"), made.images).argmax(1)
        assert bool((said == made.classes).all())
        if made.truth is None:
            assert len(made) >= 10
        else:
            assert bool((said != made.truth).all())
            assert len(made) >= 0.9 * networks.KEPT
            change = (made.images - made.originals).square().mean((1, 2, 3)).sqrt()
            assert bool((change > 0).all())
            if kind == "magnified":
                assert change.amax() < networks.MAGNIFIED + 1e-6  # less where it is clipped
    with pytest.raises(ValueError, match="kind"):
        networks.forgeries("tanh-2", "rings")


def test_neighbours_lie_a_tenth_beyond_the_boundary(measured):
    place = measured.names.index("lenet")
    made = networks.forgeries("lenet", "neighbours")
    change = (made.images - made.originals).square().mean((1, 2, 3)).sqrt()
    found = measured.distortion[place, : networks.KEPT]
    assert float(change.mean()) == pytest.approx(
        1.1 * float(found.nanmean()), rel=0.03
    )  # rounded to 8 bits


@pytest.mark.parametrize("judge", ["dense-1", "lenet-b"])
@pytest.mark.parametrize("kind", networks.FORGED)
def test_a_network_judges_the_forgeries_of_others_as_it_did(measured, kind, judge):
    net, column = networks.network(judge), measured.names.index(judge)
    for maker in ("narrow-3", "residual-1"):
        made, row = networks.forgeries(maker, kind), measured.names.index(maker)
        answer = fk.models.predict(net, made.images)
        said, own = answer.argmax(1), answer.gather(1, made.classes[:, None])[:, 0]
        hit = said == made.classes if made.truth is None else said != made.truth
        assert float(measured.transfer[kind][row, column]) == pytest.approx(
            float(hit.double().mean()), abs=0.03
        )
        if made.truth is None:
            mine = fk.models.predict(networks.network(maker), made.images)
            sure = mine.gather(1, made.classes[:, None])[:, 0] >= networks.LEVEL
            both = float(((own >= networks.LEVEL) & hit)[sure].double().mean())
            assert float(measured.certain_both[kind][row, column]) == pytest.approx(both, abs=0.1)


def test_pairs_are_those_of_the_family_and_a_network_is_no_pair_with_itself(measured):
    m = len(measured.names)
    alike = torch.tensor([[a == b for b in measured.designs] for a in measured.designs])
    values = alike.double() + 100 * torch.eye(m)
    values[:2] = values[:, :2] = -7  # the book's own are no members
    found = measured.between(values)
    assert (found.within.value, found.across.value, found.difference.value) == (1, 0, 1)
    assert torch.equal(measured.by_design(values), torch.eye(7, dtype=torch.float64))
    marked = torch.zeros(m, m)
    marked[measured.names.index("lenet-1"), measured.names.index("tanh-2")] = 9
    expected = torch.zeros(7, 7, dtype=torch.float64)
    expected[0, 4] = 1  # one of nine pairs, from row to column
    assert torch.allclose(measured.by_design(marked), expected)
    with pytest.raises(ValueError, match="each pair of 23"):
        measured.between(values[1:])


def test_straightness_room_and_rays_are_shares_and_the_bounded_networks_stand_apart(measured):
    assert measured.bend.shape == (len(measured.names), 2, len(networks.BENT))
    assert bool((measured.bend > 0).all())
    assert measured.room.sum(3)[:, :, 0].unique().tolist() == [networks.ROOM_IMAGES]
    assert bool((measured.room[:, :, 1] <= measured.room[:, :, 0]).all())
    tanh = torch.tensor([design == "tanh" for design in measured.designs])
    assert measured.rays[~tanh, -1].amin() > 0.95 > 0.2 > measured.rays[tanh, -1].amax()


def test_measuring_room_rays_and_straightness_again_finds_the_same(measured):
    place, net = measured.names.index("dense-2"), networks.network("dense-2")
    x, y = held_out()
    right = (fk.models.predict(net, x).argmax(1) == y).nonzero()[: networks.DIGITS, 0]
    reach = float((28 * measured.distortion[place]).nanquantile(0.5))
    found = bend(net, x[right], y[right], reach)
    assert torch.allclose(found, measured.bend[place], rtol=0.05)
    assert int((room(net)["room"].long() - measured.room[place]).abs().sum()) <= 60
    assert torch.allclose(rays(net)["rays"], measured.rays[place], atol=0.02)
