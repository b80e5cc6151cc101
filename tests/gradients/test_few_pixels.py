import numpy as np
import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.gradients import every_pixel, few_pixels
from foolkit.gradients.few_pixels import painted, three_others


def one_spot(at=(2, 4), colour=1.0):
    """Logits of [1, 6, 6]: class 1 leads only if one pixel is near one value."""

    class Spot(nn.Module):
        def forward(self, images):
            near = -(images[:, 0, at[0], at[1]] - colour).abs()
            return torch.stack([torch.zeros_like(near), near + 0.2], 1)

    return Spot()


def test_it_finds_the_one_pixel_that_matters():
    images, labels = torch.full((8, 1, 6, 6), 0.5), torch.zeros(8, dtype=torch.int64)
    found = few_pixels(one_spot(), images, labels, population=50, generations=30)
    assert found.success.all()
    assert found.l0.eq(1).all()
    assert (found.perturbation[:, 0, 2, 4] > 0.29).all()
    # a control that is left as many candidates at random
    assert (found.queries % 50 == 0).all()
    assert (found.queries >= 50).all()


def test_no_more_pixels_than_allowed(lenet, digits):
    images, labels = (part[:6] for part in digits)
    for pixels in (1, 3, 30):
        found = few_pixels(
            lenet, images, labels, pixels=pixels, population=20, generations=5, progress=False
        )
        assert (found.l0 <= pixels).all()
        assert found.l0.min() >= min(pixels, 1)
        assert (found.label_confidence <= fk.models.predict(lenet, images).amax(1) + 1e-5).all()


def test_more_generations_do_no_harm_and_a_search_beats_chance(lenet, digits):
    images, labels = (part[:12] for part in digits)
    net = fk.models.load("fc100-100-10")
    right = fk.models.predict(net, images).argmax(1) == labels
    images, labels = images[right], labels[right]

    def margins(population, generations):
        found = few_pixels(
            net, images, labels, pixels=8, population=population, generations=generations,
            progress=False,
        )  # fmt: skip
        logits = net(found.images).detach()
        own = logits.gather(1, labels[:, None])[:, 0]
        return logits.scatter(1, labels[:, None], -torch.inf).amax(1) - own

    short, long, chance = margins(40, 2), margins(40, 40), margins(40 * 41, 0)
    assert (long >= short - 1e-4).all()  # each child replaces its parent only if better
    assert long.mean() > chance.mean() + 0.5


def test_as_good_as_scipy():
    """The same objective, population and generations, by scipy's own differential evolution."""
    optimize = pytest.importorskip("scipy.optimize")
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(36, 12), nn.Tanh(), nn.Linear(12, 3)).eval()
    images = torch.rand(6, 1, 6, 6)
    with torch.no_grad():
        net[1].weight.mul_(3)
        labels = net(images).argmax(1)

    def margin(image, label):
        with torch.no_grad():
            logits = net(image[None])[0]
        own = logits[label].clone()
        logits[label] = -torch.inf
        return float(logits.max() - own)

    def cost(genome, image, label):
        changed = image.clone()
        for down, across, value in genome.reshape(-1, 3):
            changed[0, min(int(down * 6), 5), min(int(across * 6), 5)] = value
        return -margin(changed, label)

    best = []
    for image, label in zip(images, labels, strict=True):
        search = optimize.differential_evolution(
            cost, [(0, 1)] * 6, args=(image, int(label)), strategy="rand1bin", mutation=0.5,
            recombination=1, popsize=10, maxiter=60, tol=0, polish=False, seed=0,
            updating="deferred",
        )  # fmt: skip
        best.append(-search.fun)
    ours = few_pixels(net, images, labels, pixels=2, population=60, generations=60, progress=False)
    mine = [margin(i, int(k)) for i, k in zip(ours.images, labels, strict=True)]
    for a, b in zip(mine, best, strict=True):
        # ours stops with the first candidate that fools
        assert (a > 0) == (b > 0) or abs(a - b) < 0.2
        assert a > 0 or a >= b - 0.2


def test_two_at_one_place_and_the_mask(problem):
    genomes = torch.tensor([[[0.0, 0.5, 0.25], [0.01, 0.5, 0.75]]]).expand(12, -1, -1)
    changed = painted(problem, genomes)
    assert (changed[:, 0, 0, 3] == 0.75).all()
    assert ((changed != problem.images).flatten(1).sum(1) <= 1).all()
    last = torch.tensor([[[0.99999999, 0.99999999, 1.0]]]).expand(12, -1, -1)
    assert (painted(problem, last)[:, 0, 5, 5] == 1).all()


@pytest.mark.parametrize("population", [4, 5, 9])
def test_three_others_are_three_and_others(population):
    drawn = three_others(2000, population, torch.Generator().manual_seed(0))
    own = torch.arange(population).expand(2000, -1)
    every = torch.cat([drawn, own[None]]).sort(0).values
    assert (every[1:] != every[:-1]).all()
    assert drawn.min() == 0
    assert drawn.max() == population - 1
    # each other is as likely in each place
    counts = torch.stack([(drawn[:, :, 0] == k).float().mean(1) for k in range(1, population)])
    assert (counts - 1 / (population - 1)).abs().max() < 0.05


def test_a_random_search_asks_once(curved, spread, says):
    found = few_pixels(curved, spread, says(curved, spread), population=30, generations=0)
    assert found.queries.eq(30).all()


def test_errors(lenet, digits):
    images, labels = (tensor[:2] for tensor in digits)
    for name, value, message in (
        ("pixels", 0, "pixels: expected an integer of at least 1"),
        ("pixels", 785, "pixels: expected an integer of at most 784"),
        ("population", 3, "population: expected an integer of at least 4"),
        ("generations", -1, "generations: expected an integer of at least 0"),
        ("weight", 0, "weight: expected a number > 0"),
        ("weight", 2.5, "weight: expected a number > 0 and <= 2"),
    ):
        with pytest.raises(ValueError, match=message):
            few_pixels(lenet, images, labels, **{name: value})


# ---- every single pixel ----


def test_every_pixel_says_what_each_does(curved, spread, says):
    curved.eval()
    labels = says(curved, spread)
    found = every_pixel(curved, spread, labels, values=(0.0, 0.3, 1.0), chunk=50)
    assert found.shape == (12, 3, 6, 6)
    for image, value, down, across in ((0, 0, 0, 0), (3, 1, 5, 5), (11, 2, 2, 4)):
        changed = spread[image : image + 1].clone()
        changed[:, :, down, across] = (0.0, 0.3, 1.0)[value]
        with torch.no_grad():
            logits = curved(changed)[0]
        own = logits[labels[image]].clone()
        logits[labels[image]] = -torch.inf
        assert float(found[image, value, down, across]) == pytest.approx(
            float(logits.max() - own), abs=1e-5
        )


def test_the_search_never_beats_all_pixels_of_a_linear_network(five, spread, says):
    """There the ends of the range are the best, so the list is exact."""
    labels = says(five, spread)
    exact = (every_pixel(five, spread, labels) > 1e-4).flatten(1).any(1)
    found = few_pixels(five, spread, labels, population=60, generations=40, progress=False)
    assert not (found.success & ~exact).any()
    assert (found.success == exact).float().mean() >= 0.9


def test_all_channels_and_goals():
    torch.manual_seed(1)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(64, 3))
    images, goals = torch.rand(2, 3, 6, 6), torch.tensor([0, 1])
    found = every_pixel(net, images, goals, values=[0.5], targeted=True)
    changed = images[:1].clone()
    changed[..., 1, 2] = 0.5
    with torch.no_grad():
        logits = net(changed)[0]
    assert float(found[0, 0, 1, 2]) == pytest.approx(float(logits[0] - logits[1:].max()), abs=1e-5)


def test_errors_of_every_pixel(lenet, digits):
    images, labels = (tensor[:2] for tensor in digits)
    with pytest.raises(ValueError, match="values: expected at least one number, got none"):
        every_pixel(lenet, images, labels, values=())
    with pytest.raises(ValueError, match="values: expected a number"):
        every_pixel(lenet, images, labels, values=(np.nan,))
