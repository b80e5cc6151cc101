import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import nn

import foolkit as fk
from foolkit.gradients import fgsm, pgd
from foolkit.gradients.problem import Problem
from foolkit.gradients.result import as_file
from foolkit.gradients.sign import logits_ratio, project, random_in_ball

SIZES = {"inf": torch.inf, "2": 2, "1": 1}


def length(result, norm):
    return torch.linalg.vector_norm(result.perturbation.flatten(1), SIZES[norm], dim=1)


def lead(net, result, boundaries):
    """How far the other class of a linear network of two leads."""
    return boundaries(net, result.images, result.labels)[0][:, 0]


@pytest.mark.parametrize("targeted", [False, True])
def test_fgsm_moves_a_linear_margin_by_epsilon_times_l1(two, grey, says, boundaries, targeted):
    labels = (says(two, grey) + targeted) % 2
    margins, normals = boundaries(two, grey, labels)
    result = fgsm(two, grey, labels, epsilon=0.1, targeted=targeted)
    shift = lead(two, result, boundaries) - margins[:, 0]
    expected = 0.1 * normals[:, 0].abs().sum(1)
    assert torch.allclose(shift, -expected if targeted else expected, rtol=1e-4)
    assert torch.allclose(result.linf, torch.full((12,), 0.1))
    assert result.queries.eq(1).all()


def test_several_epsilons_are_single_calls_that_share_a_gradient(curved, spread, says):
    labels = says(curved, spread)
    results = fgsm(curved, spread, labels, epsilon=[0.3, 0.1])
    for result, epsilon in zip(results, (0.3, 0.1), strict=True):
        assert torch.equal(result.images, fgsm(curved, spread, labels, epsilon=epsilon).images)
    assert results[0].linf.max() > results[1].linf.max()


def test_clipped_and_not(curved, spread, says):
    labels = says(curved, spread)
    free = fgsm(curved, spread, labels, epsilon=0.25, clip=False)
    boxed = fgsm(curved, spread, labels, epsilon=0.25)
    assert torch.allclose(free.linf, torch.full((12,), 0.25))
    assert free.images.min() < -0.1
    assert torch.equal(boxed.images, free.images.clamp(0, 1))


@pytest.mark.parametrize(("norm", "share"), [("inf", 0.999), ("2", 0.97), ("1", 0.9)])
def test_pgd_finds_the_best_point_of_the_ball(two, grey, says, boundaries, norm, share):
    labels = says(two, grey)
    margins, normals = boundaries(two, grey, labels)
    dual = {"inf": 1, "2": 2, "1": torch.inf}[norm]
    result = pgd(two, grey, labels, epsilon=0.3, norm=norm, progress=False)
    gain = lead(two, result, boundaries) - margins[:, 0]
    most = 0.3 * torch.linalg.vector_norm(normals[:, 0], dual, dim=1)
    assert (gain <= most * 1.0001).all()
    assert (gain >= most * share).all()


@pytest.mark.parametrize("norm", ["inf", "2", "1"])
@pytest.mark.parametrize("targeted", [False, True])
def test_pgd_stays_in_ball_and_box_and_fools(lenet, digits, norm, targeted):
    images, labels = (tensor[:24] for tensor in digits)
    labels = (labels + targeted) % 10
    epsilon = {"inf": 0.3, "2": 4.0, "1": 40.0}[norm]
    result = pgd(
        lenet, images, labels, epsilon=epsilon, norm=norm, targeted=targeted, progress=False
    )
    assert (length(result, norm) <= epsilon * 1.00001).all()
    assert result.images.min() >= 0
    assert result.images.max() <= 1
    assert result.success.float().mean() >= 0.75
    assert result.queries.eq(40).all()


@pytest.mark.parametrize("norm", ["inf", "2", "1"])
def test_a_mask_is_kept(curved, spread, says, norm):
    mask = torch.zeros(1, 1, 6, 6, dtype=torch.bool)
    mask[..., 2:4] = True
    labels = says(curved, spread)
    for result in (
        pgd(curved, spread, labels, epsilon=0.5, norm=norm, mask=mask, steps=10, progress=False),
        fgsm(curved, spread, labels, epsilon=0.5, mask=mask),
    ):
        changed = result.images != spread
        assert not (changed & ~mask).any()
        assert changed.any()


def test_larger_balls_fool_what_smaller_ones_did(lenet, digits):
    images, labels = (tensor[:24] for tensor in digits)
    options = {"steps": 10, "random_start": False, "progress": False}
    several = pgd(lenet, images, labels, epsilon=[0.3, 0.05, 0.15], **options)
    for result, epsilon in zip(several, (0.3, 0.05, 0.15), strict=True):
        single = pgd(lenet, images, labels, epsilon=epsilon, **options)
        assert (result.success >= single.success).all()
        assert (result.linf <= epsilon + 1e-6).all()
    large, small, middle = several
    assert (small.success <= middle.success).all()
    assert (middle.success <= large.success).all()
    assert torch.equal(large.images[small.success], small.images[small.success])
    assert (large.queries[small.success] < large.queries.max()).all()
    assert torch.equal(small.images, pgd(lenet, images, labels, epsilon=0.05, **options).images)


def test_more_restarts_fool_no_fewer(curved, spread, says):
    labels = says(curved, spread)
    options = {"epsilon": 0.1, "steps": 3, "seed": 5, "progress": False}
    once = pgd(curved, spread, labels, **options)
    often = pgd(curved, spread, labels, restarts=8, **options)
    assert (often.success >= once.success).all()
    assert (often.queries[once.success] < 8).all()
    with pytest.raises(ValueError, match="restarts: expected 1 without a random start"):
        pgd(curved, spread, labels, restarts=2, random_start=False, epsilon=0.1)


def test_all_fooled_by_the_first_run(curved, spread, says):
    """No pass of the network is made for no images."""
    wrong = (says(curved, spread) + 1) % 4
    result = pgd(curved, spread, wrong, epsilon=[0.01, 0.02], steps=2, progress=False)[1]
    assert result.success.all()
    assert result.queries.eq(3).all()


def test_the_seed_decides_the_start(curved, spread, says):
    labels = says(curved, spread)
    options = {"epsilon": 0.1, "steps": 1, "step_size": 1e-3, "progress": False}
    first = pgd(curved, spread, labels, seed=1, **options).images
    assert torch.equal(first, pgd(curved, spread, labels, seed=1, **options).images)
    mine = torch.Generator().manual_seed(1)
    assert torch.equal(first, pgd(curved, spread, labels, seed=mine, **options).images)
    assert not torch.equal(first, pgd(curved, spread, labels, seed=2, **options).images)


@pytest.mark.parametrize("norm", ["2", "1"])
def test_projection_against_scipy(norm):
    generator = torch.Generator().manual_seed(0)
    change = torch.randn(4, 1, 1, 6, generator=generator, dtype=torch.float64)
    ours = project(change, norm, 0.7).flatten(1)
    for point, found in zip(change.flatten(1).numpy(), ours.numpy(), strict=True):
        # x = a - b with a, b >= 0 makes the L1 ball smooth
        def distance(ab, point=point):
            return 0.5 * np.square(ab[:6] - ab[6:] - point).sum()

        def room(ab):
            return 0.7 - ab.sum() if norm == "1" else 0.49 - np.square(ab[:6] - ab[6:]).sum()

        best = minimize(
            distance,
            np.full(12, 0.01),
            method="SLSQP",
            bounds=[(0, None)] * 12,
            constraints={"type": "ineq", "fun": room},
            options={"ftol": 1e-12, "maxiter": 500},
        )
        assert np.allclose(found, best.x[:6] - best.x[6:], atol=1e-4)
    assert torch.allclose(torch.linalg.vector_norm(ours, SIZES[norm], dim=1), ours.new_tensor(0.7))


@pytest.mark.parametrize("norm", ["inf", "2", "1"])
def test_projection_leaves_the_inside_alone(norm):
    change = torch.randn(4, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(project(change, norm, 100.0), change)
    assert not project(change, norm, 0.0).any()


@pytest.mark.parametrize("norm", ["inf", "2", "1"])
def test_random_points_fill_the_ball_evenly(norm):
    generator = torch.Generator().manual_seed(0)
    points = random_in_ball(torch.zeros(20_000, 1, 1, 3), norm, 0.5, generator).flatten(1)
    radius = torch.linalg.vector_norm(points, SIZES[norm], dim=1)
    assert radius.max() <= 0.5 * 1.00001
    # the share of the ball within half its radius is 1/8 in three dimensions
    assert abs((radius < 0.25).float().mean() - 0.125) < 0.01
    assert points.mean(0).abs().max() < 0.01
    # within one orthant of the L1 and L2 balls no direction is preferred
    assert (points.abs().mean(0) / points.abs().mean() - 1).abs().max() < 0.03


def test_success_as_foolbox_and_torchattacks_have_it(lenet, digits):
    foolbox, torchattacks = (pytest.importorskip(p) for p in ("foolbox", "torchattacks"))
    images, labels = (tensor[:100] for tensor in digits)
    model = foolbox.PyTorchModel(lenet, bounds=(0, 1))

    def wrong(attacked):
        return int((fk.models.predict(lenet, attacked).argmax(1) != labels).sum())

    steps = {"steps": 10, "random_start": False}
    linf = {"abs_stepsize": 0.03, **steps}
    l2 = {"abs_stepsize": 0.3, **steps}
    ours = {"progress": False, **steps}
    found = {
        "fgsm": fgsm(lenet, images, labels, epsilon=0.2),
        "inf": pgd(lenet, images, labels, epsilon=0.15, step_size=0.03, **ours),
        "2": pgd(lenet, images, labels, epsilon=1.6, norm="2", step_size=0.3, **ours),
    }
    peers = {
        "fgsm": [
            foolbox.attacks.FGSM()(model, images, labels, epsilons=0.2)[1],
            torchattacks.FGSM(lenet, eps=0.2)(images, labels),
        ],
        "inf": [
            foolbox.attacks.LinfPGD(**linf)(model, images, labels, epsilons=0.15)[1],
            torchattacks.PGD(lenet, eps=0.15, alpha=0.03, **steps)(images, labels),
        ],
        "2": [
            foolbox.attacks.L2PGD(**l2)(model, images, labels, epsilons=1.6)[1],
            torchattacks.PGDL2(lenet, eps=1.6, alpha=0.3, **steps)(images, labels),
        ],
    }
    for name, result in found.items():
        assert 10 <= int(result.success.sum()) <= 90, name  # neither hopeless nor trivial
        for attacked in peers[name]:
            assert abs(int(result.success.sum()) - wrong(attacked.detach())) <= 1, name


def test_options_are_checked_by_name(curved, spread, says):
    labels = says(curved, spread)
    with pytest.raises(ValueError, match="epsilon: expected a number >= 0, got -0.1"):
        fgsm(curved, spread, labels, epsilon=-0.1)
    with pytest.raises(ValueError, match="norm: expected one of 'inf', '2', '1', got 'three'"):
        pgd(curved, spread, labels, epsilon=0.1, norm="three")
    with pytest.raises(ValueError, match="steps: expected an integer of at least 1, got 0"):
        pgd(curved, spread, labels, epsilon=0.1, steps=0)
    with pytest.raises(ValueError, match="step_size: expected a number > 0 and <= 1e.30, got 0"):
        pgd(curved, spread, labels, epsilon=0.1, step_size=0)
    with pytest.raises(TypeError, match="chunk: expected an integer of at least 1, got 2.5"):
        fgsm(curved, spread, labels, epsilon=0.1, chunk=2.5)


def test_the_ratio_of_logits_is_that_of_its_paper():
    """Croce and Hein's own formulas, by sorting, one image after another."""
    draws = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(30, 6, generator=draws), torch.arange(30) % 6
    part = Problem(nn.Identity(), torch.zeros(30, 1, 1, 1), labels, 6)
    goal = Problem(nn.Identity(), torch.zeros(30, 1, 1, 1), labels, 6, targeted=True)
    for row, k, plain, aimed in zip(
        logits.tolist(), labels.tolist(), logits_ratio(part, logits).tolist(),
        logits_ratio(goal, logits).tolist(), strict=True,
    ):  # fmt: skip
        z = sorted(row, reverse=True)
        rival = max(value for n, value in enumerate(row) if n != k)
        assert plain == pytest.approx(-(row[k] - rival) / (z[0] - z[2]), rel=1e-4)
        assert aimed == pytest.approx(-(rival - row[k]) / (z[0] - (z[2] + z[3]) / 2), rel=1e-4)
    for one in (part, goal):
        loud = logits_ratio(one, 1e4 * logits)
        assert torch.allclose(loud, logits_ratio(one, logits), rtol=1e-4)
        assert torch.equal(loud > 0, one.margin(logits) > 0)


def test_the_ratio_is_overcome_by_no_scale_and_asks_for_classes(curved, five, two, spread, says):
    labels = says(curved, spread)

    curved.eval()

    class Loud(nn.Module):
        def forward(self, images):
            return 1e4 * curved(images)

    for net, targeted in ((curved, False), (curved, True), (Loud(), False), (Loud(), True)):
        wanted = (labels + 1) % 4 if targeted else labels
        found = pgd(net, spread, wanted, epsilon=0.4, loss="dlr", targeted=targeted)
        assert found.success.float().mean() > 0.8
    stepped = fgsm(five, spread, says(five, spread), epsilon=0.3, loss="dlr")
    assert stepped.success.float().mean() > 0.8
    with pytest.raises(ValueError, match="loss: 'dlr' needs at least 3 classes, the network has 2"):
        fgsm(two, spread, says(two, spread), epsilon=0.1, loss="dlr")
    with pytest.raises(ValueError, match="loss: 'dlr' needs at least 4 classes with goals"):
        pgd(linear_of_three(), spread, labels % 3, epsilon=0.1, loss="dlr", targeted=True)


def linear_of_three():
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 3))


@pytest.mark.parametrize("norm", ["inf", "2", "1"])
def test_files_of_a_ball_lie_in_it(curved, spread, says, norm):
    """An epsilon of .01 is 2.55 of 255 levels: three would be out of the ball."""
    originals = (spread * 255).round() / 255
    size = {"inf": 0.01, "2": 0.05, "1": 0.4}[norm]
    found = pgd(curved, originals, says(curved, originals), epsilon=size, norm=norm)
    change = (found.files.float() / 255 - originals).flatten(1)
    assert (torch.linalg.vector_norm(change, float(norm), dim=1) <= size * (1 + 1e-5)).all()
    plain = as_file(found.images, originals).float() / 255 - originals
    plain = torch.linalg.vector_norm(plain.flatten(1), float(norm), dim=1)
    assert norm != "inf" or (plain > size).all()
    assert (change != 0).any(1).all()
    stepped = fgsm(curved, originals, says(curved, originals), epsilon=0.01)
    assert float((stepped.files.float() / 255 - originals).abs().max()) <= 0.01
    bred = fk.gradients.blind(
        curved, originals, says(curved, originals), epsilon=0.01, generations=3
    )
    assert float((bred.files.float() / 255 - originals).abs().max()) <= 0.01
