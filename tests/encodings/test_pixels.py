import pytest
import torch
from scipy import stats

from foolkit.encodings import PixelGenomes, Pixels
from foolkit.encodings.pixels import polynomial_mutation, simulated_binary_crossover

SHAPE = (1, 28, 28)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_first_genomes_are_uniform():
    genes = Pixels(SHAPE).sample(200, seeded()).pixels
    assert genes.shape == (200, *SHAPE)
    assert stats.kstest(genes.flatten()[:5000].numpy(), "uniform").pvalue > 1e-3


def test_draws_follow_the_seed():
    encoding = Pixels(SHAPE, crossover=0.5)
    parents = encoding.sample(20, seeded())
    first, again, other = (encoding.vary(parents, seeded(s)).pixels for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_mutation_changes_the_stated_share_of_genes_independently():
    genes = torch.full((2000, 784), 0.5)
    changed = polynomial_mutation(genes, 0.1, 15, seeded()) != 0.5
    n = changed.numel()
    assert abs(float(changed.float().mean()) - 0.1) < 5 * (0.09 / n) ** 0.5
    # every gene is reached, first and last alike, and neighbours do not influence each other
    for counts in (changed.sum(0), changed.sum(1)):
        total = len(changed) if len(counts) == 784 else 784
        spread = (counts - 0.1 * total).double() / (0.09 * total) ** 0.5
        assert stats.kstest(spread.numpy(), "norm").statistic < 0.06
    together = (changed.view(-1)[1:] & changed.view(-1)[:-1]).float().mean()
    assert abs(float(together) - 0.01) < 5 * (0.01 / n) ** 0.5


def test_mutation_steps_follow_debs_distribution():
    genes = torch.full((400, 784), 0.5)
    mutated = polynomial_mutation(genes, 1.0, 15, seeded())
    steps = (mutated - 0.5).flatten().double()
    assert abs(float(steps.abs().mean()) - 1 / 17) < 5e-4

    # P(step <= -s) = (1 - s)^16 / 2: the inverse of step = (2u)^(1/16) - 1
    def cdf(s):
        return (s < 0) * (1 - abs(s)) ** 16 / 2 + (s >= 0) * (1 - (1 - abs(s)) ** 16 / 2)

    assert stats.kstest(steps[:20_000].numpy(), cdf).pvalue > 1e-3


def test_mutation_clips_and_keeps_the_parents():
    parents = torch.tensor([[0.0, 1.0]]).repeat(500, 400)
    before = parents.clone()
    children = polynomial_mutation(parents, 0.5, 15, seeded())
    assert torch.equal(parents, before)
    assert children.min() >= 0
    assert children.max() <= 1
    assert 0.2 < float((children != parents).float().mean()) < 0.3  # half of the steps are clipped


@pytest.mark.parametrize("rate", [0.0, 1e-6, 0.999])
def test_mutation_at_extreme_rates(rate):
    genes = torch.full((50, 784), 0.5)
    share = float((polynomial_mutation(genes, rate, 15, seeded()) != 0.5).float().mean())
    assert share == pytest.approx(rate, abs=2e-3)


def test_the_rate_is_halved_every_thousand_generations():
    parents = PixelGenomes(torch.full((200, *SHAPE), 0.5))

    def share(generation, **changes):
        child = Pixels(SHAPE, **changes).vary(parents, seeded(), generation)
        return float((child.pixels != 0.5).float().mean())

    assert share(999) == pytest.approx(0.1, abs=0.005)
    assert share(1000) == pytest.approx(0.05, abs=0.005)
    assert share(3000) == pytest.approx(0.0125, abs=0.002)
    assert share(3000, halve_every=None) == pytest.approx(0.1, abs=0.005)


def test_crossover_properties():
    genes = torch.rand(1000, 50, generator=seeded(1))
    children = simulated_binary_crossover(genes, 1.0, 10, seeded())
    assert children.shape == genes.shape
    assert children.min() >= 0
    assert children.max() <= 1
    # the children of a pair are spread about the parents' middle, on average where it was
    drift = (children[0::2] + children[1::2] - genes[0::2] - genes[1::2]).mean()
    assert abs(float(drift)) < 0.01
    # exponent 10: most children lie near a parent
    apart = torch.minimum(
        (children[0::2] - genes[0::2]).abs(), (children[0::2] - genes[1::2]).abs()
    )
    assert float(apart.mean()) < 0.03


def test_crossover_keeps_shared_genes_and_odd_ones():
    genes = torch.rand(1, 50, generator=seeded()).repeat(3, 1)
    assert torch.equal(simulated_binary_crossover(genes, 1.0, 10, seeded()), genes)
    genes = torch.rand(5, 50, generator=seeded())
    assert torch.equal(simulated_binary_crossover(genes, 1.0, 10, seeded())[4], genes[4])
    assert torch.equal(simulated_binary_crossover(genes, 0.0, 10, seeded()), genes)


def test_crossover_happens_to_the_stated_share_of_pairs():
    genes = torch.rand(4000, 10, generator=seeded())
    crossed = (simulated_binary_crossover(genes, 0.5, 10, seeded(1)) != genes).any(1)
    assert torch.equal(crossed[0::2], crossed[1::2])
    assert float(crossed.float().mean()) == pytest.approx(0.5, abs=0.06)


def test_the_released_code():
    encoding = Pixels.released_code(SHAPE)
    assert (encoding.rate, encoding.eta, encoding.crossover) == (0.1, 15.0, 0.5)
    assert (encoding.eta_crossover, encoding.halve_every) == (10.0, None)


def test_images_are_on_the_8_bit_grid():
    genes = torch.tensor([0.0, 0.999, 1.0, 0.5]).view(1, 1, 2, 2)
    images = Pixels((1, 2, 2)).render(PixelGenomes(genes))
    assert torch.equal((images * 255).flatten(), torch.tensor([0.0, 254.0, 255.0, 127.0]))
    assert genes[0, 0, 1, 1] == 0.5  # the genes themselves are not rounded


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shape": (28, 28)}, "shape: expected"),
        ({"rate": 2.0}, "rate: expected"),
        ({"eta": -1.0}, "eta: expected"),
        ({"crossover": -0.1}, "crossover: expected"),
        ({"halve_every": 0}, "halve_every: expected"),
    ],
)
def test_bad_settings(arguments, message):
    with pytest.raises(ValueError, match=message):
        Pixels(**{"shape": SHAPE, **arguments})
