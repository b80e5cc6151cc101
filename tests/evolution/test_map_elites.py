import signal
import threading

import numpy as np
import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.encodings import CPPN, PixelGenomes, Pixels
from foolkit.evolution import Archive, MapElites

SHAPE = (1, 6, 6)


@pytest.fixture
def net():
    """A nearly free network of four classes."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(36, 4))
    return fk.models.Classifier(module, input_shape=SHAPE, classes=4, name="tiny")


def search(net, **changes):
    return MapElites(net, Pixels(SHAPE), **{"batch": 20, "seed": 3, **changes})


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_elites_only_get_better_and_history_tells(net):
    run = search(net).run(30, progress=False)
    history = run.elites.history
    assert history.confidence.shape == (31, 4)
    assert (history.confidence.diff(dim=0) >= 0).all()
    assert torch.equal(history.confidence[-1], run.confidence)
    assert torch.allclose(history.median, history.confidence.quantile(0.5, 1))
    assert torch.equal(history.minimum, history.confidence.amin(1))
    assert torch.equal(history.maximum, history.confidence.amax(1))
    assert torch.allclose(history.mean, history.confidence.mean(1))
    assert history.replacements[0] == 4
    assert history.replacements[1:].max() > 0
    threshold = float(history.confidence[10, 2])
    first = int(history.reached(threshold)[2])
    assert history.confidence[first, 2] >= threshold
    assert first == 0 or history.confidence[first - 1, 2] < threshold
    assert history.reached(2.0).tolist() == [-1] * 4


def test_confidence_is_that_of_the_images(net):
    elites = search(net).run(10, progress=False).elites
    again = fk.models.predict(net, elites.images).diagonal()
    assert torch.allclose(again, elites.confidence, atol=1e-6)
    assert torch.equal((elites.images * 255).round() / 255, elites.images)


def test_the_same_seed_gives_the_same_run_and_another_does_not(net):
    first, again, other = (search(net, seed=s).run(5, progress=False) for s in (1, 1, 2))
    assert same(first.state_dict(), again.state_dict())
    assert not torch.equal(first.confidence, other.confidence)


def test_ten_and_ten_generations_are_twenty(net):
    whole = search(net).run(20, progress=False)
    half = search(net).run(10, progress=False)
    resumed = search(net)
    resumed.load_state_dict(half.state_dict())
    resumed.run(10, progress=False)
    assert same(whole.state_dict(), resumed.state_dict())


def test_state_dict_is_a_copy(net):
    run = search(net).run(2, progress=False)
    state, elites = run.state_dict(), run.elites
    before = {name: tensor.clone() for name, tensor in state.items()}
    run.run(20, progress=False)
    assert same(state, before)
    assert torch.equal(elites.confidence, before["confidence"])


def test_load_state_dict_refuses_what_does_not_fit(net):
    run = search(net)
    state = run.state_dict()
    with pytest.raises(ValueError, match="state: .*at odds: born"):
        run.load_state_dict({name: t for name, t in state.items() if name != "born"})
    with pytest.raises(ValueError, match=r"state: expected confidence as .*\[4\], got .*\[5\]"):
        run.load_state_dict({**state, "confidence": torch.rand(5)})


def archive(confidence):
    k = len(confidence)
    genomes = PixelGenomes(torch.zeros(k, 1, 1, 1))
    born, parent, parent_born = torch.zeros(k).long(), torch.full((k,), -1), torch.full((k,), -1)
    return Archive(genomes, torch.tensor(confidence), born, parent, parent_born)


def offered(confidence, to):
    n = len(confidence)
    genes = PixelGenomes(torch.arange(1.0, n + 1).view(n, 1, 1, 1))
    to.offer(genes, torch.tensor(confidence), torch.arange(n) % 3, 1)
    return to


def test_one_image_may_hold_several_classes():
    after = offered([[0.4, 0.4, 0.2], [0.3, 0.2, 0.5]], archive([0.1, 0.1, 0.9]))
    assert after.genomes.pixels.flatten().tolist() == [1, 1, 0]
    assert after.confidence.tolist() == pytest.approx([0.4, 0.4, 0.9])
    assert after.born.tolist() == [1, 1, 0]
    assert after.parent.tolist() == [0, 0, -1]
    assert after.parent_born.tolist() == [0, 0, -1]


def test_the_parent_that_is_noted_is_the_one_before_the_offer():
    after = offered([[0.9, 0.2, 0.1], [0.1, 0.8, 0.1]], archive([0.1, 0.1, 0.9]))
    after.offer(
        PixelGenomes(torch.full((1, 1, 1, 1), 7.0)), torch.tensor([[1.0, 1.0, 1.0]]),
        torch.tensor([0]), 2,
    )  # fmt: skip
    assert after.parent.tolist() == [0, 0, 0]
    assert after.parent_born.tolist() == [1, 1, 1]  # of class 0, which this child replaced too
    assert after.born.tolist() == [2, 2, 2]


def test_only_strict_improvement_replaces():
    after = offered([[0.5, 0.4, 0.6]], archive([0.5, 0.5, 0.5]))
    assert after.genomes.pixels.flatten().tolist() == [0, 0, 1]


def test_the_order_of_the_offspring_does_not_matter():
    confidence = torch.rand(50, 3, generator=torch.Generator().manual_seed(0)).softmax(1)
    genes = torch.arange(50.0).view(50, 1, 1, 1)
    parents = torch.arange(50) % 3
    order = torch.randperm(50, generator=torch.Generator().manual_seed(1))
    one, two, each = (archive([0.3, 0.4, 0.5]) for _ in range(3))
    one.offer(PixelGenomes(genes), confidence, parents, 7)
    two.offer(PixelGenomes(genes[order]), confidence[order], parents[order], 7)
    assert same(one.tensors(), two.tensors())
    # and it is the same as offering them one after another
    for i in range(50):
        each.offer(PixelGenomes(genes[i : i + 1]), confidence[i : i + 1], parents[i : i + 1], 7)
    assert torch.equal(each.confidence, one.confidence)
    assert torch.equal(each.genomes.pixels, one.genomes.pixels)


class Flat(CPPN):
    """No hidden nodes: one of the genomes' tensors is empty."""

    def __init__(self, shape):
        super().__init__(shape, max_hidden=0)


class Interrupting(torch.overrides.TorchFunctionMode):
    """Presses Ctrl-C, a real signal, before the call of torch that has a number."""

    def __init__(self, at):
        super().__init__()
        self.at, self.calls = at, 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if self.calls == self.at:
            signal.raise_signal(signal.SIGINT)
        self.calls += 1
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("kind", [Pixels, CPPN, Flat])
def test_a_generation_counts_whole_or_not_at_all(net, kind):
    """Ctrl-C at every call that a step makes: the state is the one before or the one after."""
    run = MapElites(net, kind(net.input_shape), batch=30).run(3, progress=False)
    before = run.state_dict()
    with Interrupting(-1) as calls:
        run.step()
    after = run.state_dict()
    assert not same(before, after)
    ends = set()
    for at in range(calls.calls):
        run.load_state_dict(before)
        with pytest.raises(KeyboardInterrupt), Interrupting(at):
            run.step()
        state = run.state_dict()
        assert same(state, before) or same(state, after)
        ends.add(int(state["generation"]))
        if same(state, before):  # and what was begun leaves no trace
            run.step()
            assert same(run.state_dict(), after)
    assert ends == {3, 4}


def test_another_thread_may_breed(net):
    found = []
    thread = threading.Thread(target=lambda: found.append(search(net).run(3, progress=False)))
    thread.start()
    thread.join()
    assert same(found[0].state_dict(), search(net).run(3, progress=False).state_dict())


def test_a_run_ends_when_every_class_is_there(net):
    until = float(search(net).run(30, progress=False).confidence.min())
    run = search(net).run(200, until=until, progress=False)
    history = run.elites.history.confidence.amin(1)
    assert 0 < run.generation <= 30
    assert history[-1] >= until > history[-2]
    assert run.run(10, until=until, progress=False).generation == len(history) - 1
    elites = fk.evolve(net, Pixels(SHAPE), generations=200, until=until, batch=20, seed=3)
    assert same(elites.genomes.tensors(), run.elites.genomes.tensors())


def test_a_seed_may_be_of_numpy_or_drawn_from_a_generator(net):
    assert same(search(net, seed=np.int64(3)).state_dict(), search(net, seed=3).state_dict())
    one, two = (search(net, seed=torch.Generator().manual_seed(9)) for _ in "ab")
    assert same(one.state_dict(), two.state_dict())
    draws = torch.Generator().manual_seed(9)
    assert search(net, seed=draws).seed == one.seed != search(net, seed=draws).seed


def test_a_state_that_was_loaded_is_not_written_to(net):
    state = search(net).run(3, progress=False).state_dict()
    before = {name: tensor.clone() for name, tensor in state.items()}
    run = search(net)
    run.load_state_dict(state)
    run.run(10, progress=False)
    assert same(state, before)


def test_lineage_points_to_elites_that_were(net):
    run = search(net)
    held = [run.elites.born]
    for _ in range(15):
        run.step()
        held.append(run.elites.born)
    elites = run.elites
    for born, parent, parent_born in zip(
        elites.born, elites.parent, elites.parent_born, strict=True
    ):
        if born > 0:  # the parent was the elite of its class just before the birth
            assert held[born - 1][parent] == parent_born
        else:
            assert (parent, parent_born) == (-1, -1)


def test_parents_are_drawn_uniformly_over_the_classes(net):
    drawn = []

    class Watched(Pixels):
        def vary(self, parents, generator, generation=0):
            drawn.append(parents.pixels[:, 0, 0, 0])
            return parents

    run = MapElites(net, Watched(SHAPE), batch=4000, seed=0)
    elites = run.elites.genomes.pixels[:, 0, 0, 0]
    run.step()
    share = [(drawn[0] == gene).float().mean().item() for gene in elites]
    expected = [(elites == gene).float().mean().item() for gene in elites]
    assert share == pytest.approx(expected, abs=0.04)


def test_the_screen_reports_float32(net):
    run = search(net, precision="bfloat16", batch=100).run(10, progress=False)
    elites = run.elites
    again = fk.models.predict(net, elites.images).diagonal()
    assert torch.allclose(again, elites.confidence, atol=1e-6)


def test_a_screened_run_loses_next_to_nothing(net):
    """Its elites are those of the run that judges every child, where nothing was lost."""
    whole = search(net, batch=100).run(30, progress=False)
    screened = search(net, precision="bfloat16", batch=100).run(30, progress=False)
    odds = [run.confidence.logit(eps=1e-7) for run in (whole, screened)]
    assert (odds[1] - odds[0]).abs().max() < 0.5
    assert (screened.elites.born == whole.elites.born).float().mean() >= 0.5


def test_interrupt_leaves_valid_elites_and_an_exact_state(net):
    class Interrupted(nn.Module):
        def __init__(self):
            super().__init__()
            self.net, self.calls, self.limit = net, 0, 10  # three before the first generation

        def forward(self, images):
            self.calls += 1
            if self.calls == self.limit:
                raise KeyboardInterrupt  # in the middle of a generation
            return self.net(images)

    stopped = search(Interrupted())
    stopped.run(20, progress=False)
    assert stopped.generation == 6
    whole = search(net).run(20, progress=False)
    stopped.run(14, progress=False)  # goes on as if nothing had happened
    assert same(whole.state_dict(), stopped.state_dict())


def test_callback_sees_every_generation_and_may_stop(net):
    seen = []
    run = search(net).run(9, progress=False, callback=lambda r: seen.append(r.generation))
    assert seen == list(range(1, 10))
    run.run(9, progress=False, callback=lambda r: r.generation == 12)
    assert run.generation == 12


def test_progress_shows_generation_confidence_and_rate(net, capsys, monkeypatch):
    monkeypatch.delenv("FOOLKIT_PROGRESS", raising=False)
    search(net).run(5, progress=True)
    shown = capsys.readouterr().err
    for word in ("generation=5", "median=", "minimum=", "images/s="):
        assert word in shown


def test_the_network_is_left_as_it_was(net):
    net.train()
    search(net).run(3, progress=False)
    assert net.training
    assert all(p.grad is None for p in net.parameters())


def test_elites_may_be_attacked(net):
    images = search(net).run(1, progress=False).elites.images.requires_grad_()
    net(images).sum().backward()
    assert images.grad is not None


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"batch": 0}, ValueError, "batch: expected an integer of at least 1, got 0"),
        ({"batch": 1.5}, TypeError, "batch: expected an integer"),
        ({"seed": -1}, ValueError, "seed: expected an integer from 0"),
        ({"seed": 0.5}, TypeError, "seed: expected an integer from 0"),
        ({"precision": "half"}, ValueError, "precision: expected"),
    ],
)
def test_bad_settings(net, changes, error, message):
    with pytest.raises(error, match=message):
        search(net, **changes)


def test_bad_networks_and_encodings(net):
    with pytest.raises(ValueError, match=r"encoding: expected images of shape \(1, 6, 6\).*28"):
        MapElites(net, Pixels((1, 28, 28)))
    with pytest.raises(ValueError, match=r"net: expected logits \[N, K\]"):
        MapElites(nn.Identity(), Pixels(SHAPE))
    with torch.no_grad():
        net.module[1].bias.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="net: expected finite logits"):
        search(net)
    with pytest.raises(ValueError, match="generations: expected"):
        fk.evolve(nn.Flatten(), Pixels(SHAPE), generations=-1)
    with pytest.raises(ValueError, match=r"until: expected a number in \[0, 1\], got 99.99"):
        fk.evolve(nn.Flatten(), Pixels(SHAPE), until=99.99)
