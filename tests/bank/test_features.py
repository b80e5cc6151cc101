"""Networks that learned from wrong labels: how they are made, and what is stored of them."""

import os

import pytest
import torch

import foolkit as fk
from foolkit.bank import features
from foolkit.models.train import training_digits
from tools.bank import features as program


@pytest.fixture(scope="module")
def stored():
    return features.load()


@pytest.fixture(scope="module")
def some():
    images, labels = fk.data.digits()
    return images[:200], labels[:200]


def test_labels_are_drawn_or_the_class_after(some):
    labels = some[1]
    after = program.goals_of("next", labels, seed=0)
    assert torch.equal(after, (labels + 1).remainder(10))
    drawn = program.goals_of("random", labels, seed=0)
    assert torch.equal(drawn, program.goals_of("random", labels, seed=0))
    assert not torch.equal(drawn, program.goals_of("random", labels, seed=1))
    assert drawn.bincount(minlength=10).min() > 0


def test_moved_digits_stay_in_the_ball_and_go_to_their_labels(some):
    images, labels = some
    goals = program.goals_of("next", labels, seed=0)
    moved = program.moved(images, goals)
    sizes = (moved - images).flatten(1).norm(dim=1)
    assert float(sizes.max()) <= features.EPSILON + 1e-3
    assert moved.min() >= 0
    assert moved.max() <= 1
    source = fk.models.load(features.SOURCE)
    called = fk.models.predict(source, moved).argmax(1) == goals
    assert called.float().mean() > 0.5
    assert (fk.models.predict(source, images).argmax(1) == goals).float().mean() < 0.05


@pytest.mark.skipif(not os.environ.get("FOOLKIT_DATA"), reason="FOOLKIT_DATA is not set")
def test_no_two_seeds_share_a_digit():
    whole = training_digits("train")[0]
    for seed in features.SEEDS:
        part = program.digits_of(seed)[0]
        assert len(part) == features.DIGITS
        assert torch.equal(part, whole[seed * features.DIGITS :][: features.DIGITS])


def test_every_count_is_of_all_test_digits(stored):
    for counts in stored.confusion.values():
        assert counts.shape == (len(features.SEEDS), 10, 10)
        assert counts.sum((1, 2)).tolist() == [10_000] * len(features.SEEDS)
        assert torch.equal(counts.sum(2)[0], counts.sum(2)[-1])  # the same digits every time


def test_what_is_shown_was_moved_by_the_source(stored):
    for labels in features.LABELS:
        sizes = (stored.moved[labels] - stored.digits[labels]).flatten(1).norm(dim=1)
        assert float(sizes.max()) <= features.EPSILON + 0.1  # rounded to 8 bits
        assert float(sizes.min()) > 0
        assert torch.equal(stored.goals["next"], (stored.old["next"] + 1).remainder(10))


def test_the_share_of_right_answers_counts_the_diagonal(stored):
    key = ("next", "unmoved", "dense")
    counts = stored.confusion[key].double()
    shares = counts.diagonal(dim1=1, dim2=2).sum(1) / 10_000
    assert stored.right(*key).value == pytest.approx(float(shares.mean()))
    after = stored.right(*key, shift=1)  # it learned what it was taught
    assert after.value > 0.8 > 0.2 > stored.right(*key).value
    with pytest.raises(ValueError, match="labels: expected one of 'random', 'next'"):
        stored.right("true", "moved")
    with pytest.raises(ValueError, match="shown: expected one of"):
        stored.right("next", "moved-3")
