import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.gradients import blind


@pytest.fixture(scope="module")
def some():
    images, labels = fk.models.comparison_digits()
    return images[:40], labels[:40]


def test_it_fools_without_a_gradient_and_stays_in_its_box(some):
    images, labels = some
    net = fk.models.load("fc64-softmax")
    found = blind(net, images, labels, epsilon=0.2, generations=100)
    control = fk.gradients.noise(net, images, labels, size=0.2, norm="inf", kind="sign")
    assert found.success.float().mean() > control.success.float().mean() + 0.3
    assert found.linf.max() <= 0.2 + 1e-6
    assert 0 <= found.images.min() <= found.images.max() <= 1
    assert found.queries.max() <= 101
    # images that are fooled cost no more questions
    assert (found.queries[~found.success] == 101).all()
    assert found.queries[found.success].float().mean() < 80
    again = blind(net, images, labels, epsilon=0.2, generations=100)
    assert torch.equal(again.images, found.images)


def test_more_generations_fool_more(some):
    net = fk.models.load("fc64-softmax")
    few, many = (
        blind(net, *some, epsilon=0.15, generations=count).success.float().mean()
        for count in (5, 150)
    )
    assert many > few + 0.1


def test_a_mask_and_a_goal_are_kept(some):
    images, labels = some
    net = fk.models.load("fc64-softmax")
    mask = torch.zeros(1, 28, 28, dtype=torch.bool)
    mask[:, 8:20, 8:20] = True
    found = blind(net, images, labels, epsilon=0.5, generations=20, mask=mask)
    assert (found.perturbation[~mask.expand_as(images)] == 0).all()
    goals = (labels + 1) % 10
    aimed = blind(net, images, goals, epsilon=0.4, generations=150, targeted=True)
    assert torch.equal(aimed.success, aimed.predicted == goals)
    assert aimed.success.float().mean() > 0.2


def test_it_asks_for_logits_only(some):
    class Opaque(nn.Module):
        """No gradient gets through."""

        def forward(self, images):
            return 10 * fk.models.load("softmax-1e-4")((images > 0.5).float()).detach()

    found = blind(Opaque(), *some, epsilon=0.6, generations=60)
    assert found.success.float().mean() > 0.5


def test_errors(some):
    net = fk.models.load("softmax-1")
    with pytest.raises(ValueError, match="epsilon"):
        blind(net, *some, epsilon=-1)
    with pytest.raises(ValueError, match="generations"):
        blind(net, *some, epsilon=0.1, generations=0)
