import math

import numpy as np
import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.checks import (
    check_between,
    check_count,
    check_flag,
    check_fraction,
    check_images,
    check_labels,
    check_number,
    image_shape,
)

GOOD = torch.rand(2, 1, 28, 28)


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (GOOD.numpy(), TypeError, r"images: expected a torch.Tensor .*got ndarray"),
        ((GOOD * 255).byte(), TypeError, r"images: expected float32.*uint8.*divide by 255"),
        (GOOD.double(), TypeError, r"images: expected float32.*float64"),
        (GOOD[0], ValueError, r"images: expected shape \[N, 1, 28, 28\], got \[1, 28, 28\]"),
        (GOOD[..., :27], ValueError, r"images: expected shape .*got \[2, 1, 28, 27\]"),
        (GOOD[:0], ValueError, "images: expected at least one image"),
        (GOOD * 255, ValueError, r"images: expected values in \[0, 1\], got .* to 25"),
        (GOOD - 0.5, ValueError, r"images: expected values in \[0, 1\], got -0"),
        (GOOD / 0, ValueError, r"images: expected (values in|finite)"),
        (GOOD * float("nan"), ValueError, "images: expected finite values.*NaN"),
    ],
)
def test_bad_images(images, error, message):
    with pytest.raises(error, match=message):
        check_images(images, (1, 28, 28))


@pytest.mark.parametrize(
    ("images", "kind"),
    [
        (GOOD.to_sparse(), "a sparse_coo tensor"),
        (GOOD.to("meta"), "a tensor without content"),
    ],
)
def test_tensors_that_hold_no_plain_numbers(images, kind):
    with pytest.raises(TypeError, match=f"images: expected a dense tensor of numbers, got {kind}"):
        check_images(images)
    labels = images[:, 0, 0, 0].long()
    with pytest.raises(TypeError, match=f"labels: expected a dense tensor of numbers, got {kind}"):
        check_labels(labels, 2, 10)


def test_rounding_errors_are_no_reason_to_refuse():
    check_images(GOOD.clamp(-3e-8, 1) - 3e-8)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (torch.rand(2), TypeError, "labels: expected an int64 tensor of 2 classes, got torch.f"),
        ([1, 2], TypeError, "labels: expected an int64 tensor of 2 classes, got list"),
        (torch.tensor([1, 2, 3]), ValueError, r"labels: expected shape \[2\].*got \[3\]"),
        (torch.tensor([1, 10]), ValueError, "labels: expected classes 0 to 9, got 1 to 10"),
        (torch.tensor([-1, 1]), ValueError, "labels: expected classes 0 to 9, got -1 to 1"),
    ],
)
def test_bad_labels(labels, error, message):
    with pytest.raises(error, match=message):
        check_labels(labels, 2, 10)


def test_bad_numbers():
    with pytest.raises(ValueError, match="batch: expected an integer of at least 1, got 0"):
        check_count(0, "batch")
    with pytest.raises(TypeError, match=r"batch: .*got 2.5"):
        check_count(2.5, "batch")
    with pytest.raises(ValueError, match=r"rate: expected a number in \[0, 1\], got 1.5"):
        check_fraction(1.5, "rate")
    with pytest.raises(TypeError, match="rate: .*got 'x'"):
        check_fraction("x", "rate")


def test_numbers_of_numpy_and_torch_are_numbers():
    for value in (np.float32(0.25), np.float64(0.25), torch.tensor(0.25), np.int64(1), 1):
        check_number(value, "size", above=0)
        check_fraction(value, "share")
    check_between(np.float32(0.5), "level")
    for value in (np.int32(3), torch.tensor(3), np.uint8(3)):
        check_count(value, "batch")
    for wrong in (True, np.bool_(True), torch.tensor(True), "1", None, 1j, torch.ones(2)):
        with pytest.raises(TypeError, match="size: expected a number"):
            check_number(wrong, "size", above=0)
    with pytest.raises(TypeError, match="level: expected a number between 0 and 1, got '1'"):
        check_between("1", "level")
    with pytest.raises(ValueError, match="n: expected an integer of at most 10, got 11"):
        check_count(11, "n", most=10)
    with pytest.raises(ValueError, match="blur: expected a number >= 0 and <= 2, got 3"):
        check_number(3, "blur", least=0, most=2)
    with pytest.raises(TypeError, match="trust: expected True or False, got 'no'"):
        check_flag("no", "trust")


def test_shapes_of_images():
    assert image_shape(np.array([1, 6, 7])) == (1, 6, 7)
    assert all(type(size) is int for size in image_shape(torch.tensor([1, 6, 7])))
    for wrong in (None, 5, "abc", (1, 2.5, 3)):
        with pytest.raises(TypeError, match="shape: expected"):
            image_shape(wrong)
    for wrong in ((1, 2), (1, 0, 6), (1, -6, 6), (10**6, 10**6, 10**6)):
        with pytest.raises(ValueError, match="shape: expected"):
            image_shape(wrong)


SMALL = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
PIXELS = fk.encodings.Pixels((1, 6, 6))
IMAGES, LABELS = torch.full((3, 1, 6, 6), 0.5), torch.arange(3)
CALLS = {
    "net": lambda: fk.evolve(lambda images: images, PIXELS),
    "net ": lambda: fk.gradients.ascent("lenet", LABELS),
    "encoding": lambda: fk.evolve(SMALL, "pixels"),
    "callback": lambda: fk.evolve(SMALL, PIXELS, callback=3),
    "batch": lambda: fk.evolve(SMALL, PIXELS, batch=10**12),
    "n": lambda: PIXELS.sample(2**70, torch.Generator()),
    "seed": lambda: fk.evolve(SMALL, PIXELS, seed=None),
    "mean": lambda: fk.gradients.ascent(SMALL, LABELS, shape=(1, 6, 6), mean="grey"),
    "shape": lambda: fk.gradients.ascent(SMALL, LABELS, shape=5),
    "steps": lambda: fk.gradients.ascent(SMALL, LABELS, shape=(1, 6, 6), steps=10**12),
    "eta": lambda: fk.encodings.Pixels((1, 6, 6), eta=math.nan),
    "weight_limit": lambda: fk.encodings.CPPN((1, 6, 6), weight_limit="10"),
    "max_links": lambda: fk.encodings.CPPN((1, 6, 6), max_links=10**12),
    "epsilon": lambda: fk.gradients.pgd(SMALL, IMAGES, LABELS, epsilon=8),
    "epsilon ": lambda: fk.gradients.blind(SMALL, IMAGES, LABELS, epsilon=2**70),
    "norm": lambda: fk.gradients.pgd(SMALL, IMAGES, LABELS, epsilon=0.1, norm="three"),
    "classes": lambda: fk.models.Classifier(SMALL, input_shape=(1, 6, 6), classes=10**9, name="a"),
    "classes ": lambda: fk.models.Classifier(SMALL, input_shape=(1, 6, 6), classes=None, name="a"),
    "input_shape": lambda: fk.models.Classifier(SMALL, input_shape=None, classes=3, name="a"),
    "name": lambda: fk.models.Classifier(SMALL, input_shape=(1, 6, 6), classes=3, name=4),
    "source": lambda: fk.models.load(3),
    "device": lambda: fk.models.load("lenet", "nowhere"),
    "trust": lambda: fk.models.load("lenet", trust="no"),
    "parts": lambda: fk.gradients.Perturbed.cat(3),
}


@pytest.mark.parametrize("argument", CALLS)
def test_what_does_not_fit_is_refused_by_name_before_any_work(argument):
    with pytest.raises((TypeError, ValueError), match=rf"^{argument.strip()}: expected"):
        CALLS[argument]()


def test_settings_of_numpy_are_settings_and_norms_have_several_names():
    plain = fk.encodings.Pixels((1, 6, 6), eta=3, halve_every=5)
    assert repr(fk.encodings.Pixels((1, 6, 6), eta=np.float64(3), halve_every=np.int8(5))) == repr(
        plain
    )
    for norm, names in (("2", (2, 2.0, "L2")), ("inf", (math.inf, np.inf, "Linf", "linf"))):
        expected = fk.gradients.pgd(SMALL, IMAGES, LABELS, epsilon=0.3, norm=norm, steps=3)
        for name in names:
            same = fk.gradients.pgd(SMALL, IMAGES, LABELS, epsilon=0.3, norm=name, steps=3)
            assert torch.equal(same.images, expected.images)
    assert len(expected[np.int64(2)]) == 1


PIXELS, CPPN = fk.encodings.Pixels((1, 6, 6)), fk.encodings.CPPN((1, 6, 6))
SEEDED = {
    "recurrence": lambda s: fk.analysis.recurrence(torch.rand(3, 3, 4), seed=s),
    "by chance": lambda s: fk.analysis.calibration_error_by_chance(torch.rand(9), seed=s),
    "mean_interval": lambda s: fk.analysis.mean_interval(torch.rand(9), seed=s),
    "shuffle_tiles": lambda s: fk.analysis.shuffle_tiles(torch.rand(3, 1, 6, 6), 2, seed=s),
    "random_directions": lambda s: fk.analysis.random_directions(2, (1, 6, 6), seed=s),
    "sample_photographs": lambda s: fk.data.sample_photographs((3, 8, 8), 2, seed=s),
    "crops": lambda s: fk.data.crops(3, seed=s),
    "faces": lambda s: fk.data.faces(3, seed=s),
    "digits": lambda s: fk.data.digits(seed=s),
}


@pytest.mark.parametrize("seed", ["x", 0.5, True, -1, 2**70, np.float64(1)])
@pytest.mark.parametrize("name", SEEDED)
def test_seeds_are_integers_everywhere(name, seed):
    with pytest.raises((TypeError, ValueError), match="^seed: expected"):
        SEEDED[name](seed)


OF_A_KIND = {
    "parents": (PIXELS.vary, (torch.Generator(),)),
    "genomes": (PIXELS.render, ()),
    "CPPN, parents": (CPPN.vary, (torch.Generator(),)),
    "CPPN, genomes": (CPPN.render, ()),
    "net": (fk.analysis.activations, (torch.rand(1, 1, 6, 6),)),
    "log_odds, net": (fk.analysis.log_odds, (torch.rand(1, 1, 6, 6), torch.zeros(1).long())),
    "MaxSoftmax, net": (fk.analysis.MaxSoftmax, ()),
    "Energy, net": (fk.analysis.Energy, ()),
    "detectors": (fk.analysis.score_all, (torch.rand(1, 1, 6, 6),)),
    "statistic": (fk.analysis.bootstrap, (torch.rand(9),)),
    "made": (fk.analysis.over_networks, ()),
    "elites": (fk.plot.gallery, ()),
}


@pytest.mark.parametrize("given", [None, 3, "lenet"])
@pytest.mark.parametrize("name", OF_A_KIND)
def test_another_kind_is_refused_by_name(name, given):
    call, others = OF_A_KIND[name]
    with pytest.raises(TypeError, match=f"^{name.rpartition(', ')[2]}: expected"):
        call(given, *others)


HUGE = {
    "resamples": lambda: fk.analysis.mean_interval(torch.rand(9), resamples=10**12),
    "bins": lambda: fk.analysis.reliability(torch.rand(9), torch.rand(9) > 0.5, bins=10**12),
    "permutations": lambda: fk.analysis.recurrence(torch.rand(3, 3), permutations=10**12),
    "classes": lambda: fk.analysis.class_means(
        torch.rand(1, 1, 6, 6), torch.zeros(1).long(), 10**12
    ),
    "epsilon": lambda: fk.gradients.pgd(
        SMALL, torch.rand(1, 1, 6, 6), torch.zeros(1).long(), epsilon=10**400, norm="2"
    ),
}


@pytest.mark.parametrize("name", HUGE)
def test_what_would_never_end_is_refused(name):
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        HUGE[name]()
