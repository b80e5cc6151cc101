"""Networks as people have them: other precisions, other answers, and those that cannot be used."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.models.door import Plain, answer, checked, dtype_of, logits_of


class Linear(nn.Module):
    """Three classes of 6 x 6 images; ``wrap`` makes of the logits what is returned."""

    def __init__(self, wrap=lambda logits: logits, scale=1.0):
        super().__init__()
        draws = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(scale * torch.randn(36, 3, generator=draws))
        self.wrap = wrap

    def forward(self, images):
        return self.wrap(images.flatten(1) @ self.weight)


ANSWERS = {
    "tensor": lambda z: z,
    "object": lambda z: SimpleNamespace(logits=z, loss=None),
    "dictionary": lambda z: {"features": z[:, :, None], "logits": z},
    "tuple": lambda z: (z, z[:, :, None]),
    "named otherwise": lambda z: {"out": z},
}


@pytest.fixture
def images():
    return torch.rand(8, 1, 6, 6, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kind", ANSWERS)
def test_answers_of_every_kind_give_the_same(kind, images):
    plain, net = Linear(), Linear(ANSWERS[kind])
    labels = fk.models.predict(plain, images).argmax(1)
    assert torch.equal(fk.models.predict(net, images), fk.models.predict(plain, images))
    ours, theirs = (fk.gradients.pgd(n, images, labels, epsilon=0.3, seed=0) for n in (net, plain))
    assert torch.equal(ours.images, theirs.images)
    elites = fk.evolve(net, fk.encodings.Pixels((1, 6, 6)), generations=3, batch=20, progress=False)
    again = fk.evolve(
        plain, fk.encodings.Pixels((1, 6, 6)), generations=3, batch=20, progress=False
    )
    assert torch.equal(elites.confidence, again.confidence)
    named = fk.models.Classifier(net, input_shape=(1, 6, 6), classes=3, name="it")
    assert torch.equal(named(images), plain(images))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_precisions_take_float32_images_and_give_float32_results(dtype, images):
    net = Linear().to(dtype)
    assert dtype_of(net) == dtype
    labels = fk.models.predict(net, images).argmax(1)
    for attack in (
        lambda: fk.gradients.pgd(net, images, labels, epsilon=0.3),
        lambda: fk.gradients.fgsm(net, images, labels, epsilon=0.3),
        lambda: fk.gradients.deepfool(net, images, labels),
        lambda: fk.gradients.lbfgs(net, images, labels),
        lambda: fk.gradients.carlini_wagner(net, images, labels, steps=20),
    ):
        found = attack()
        assert found.images.dtype == found.confidence.dtype == torch.float32
        assert found.success.float().mean() > 0.5
    elites = fk.evolve(net, fk.encodings.Pixels((1, 6, 6)), generations=2, batch=20, progress=False)
    assert elites.confidence.dtype == torch.float32


def test_what_has_no_logits_is_refused_by_name(images):
    for wrap in (lambda z: "cat", lambda z: (z, z), lambda z: {"a": z, "b": z}, lambda z: None):
        with pytest.raises(TypeError, match="net: expected logits .* wrap the network"):
            fk.gradients.fgsm(Linear(wrap), images, torch.zeros(8).long(), epsilon=0.1)
    assert torch.equal(logits_of([torch.ones(2, 3).half()]), torch.ones(2, 3))


def test_one_logit_is_refused_with_the_line_that_mends_it(images):
    net = Linear(lambda z: z[:, :1])
    for call in (
        lambda: fk.gradients.fgsm(net, images, torch.zeros(8).long(), epsilon=0.1),
        lambda: fk.evolve(net, fk.encodings.Pixels((1, 6, 6)), generations=1, progress=False),
    ):
        with pytest.raises(ValueError, match=r"net: expected logits .*torch\.cat\(\[-z, z\], 1\)"):
            call()
    mended = Linear(lambda z: torch.cat([-z[:, :1], z[:, :1]], 1) / 2)
    assert torch.allclose(
        fk.models.predict(mended, images)[:, 1], answer(net, images)[:, 0].sigmoid(), atol=1e-6
    )


def test_a_network_that_ends_in_a_softmax_is_pointed_out(images):
    net = Linear(lambda z: z.softmax(1))
    labels = fk.models.predict(net, images).argmax(1)
    with pytest.warns(UserWarning, match="look like probabilities"):
        fk.gradients.fgsm(net, images, labels, epsilon=0.1)
    with pytest.warns(UserWarning, match="look like probabilities"):
        fk.evolve(net, fk.encodings.Pixels((1, 6, 6)), generations=1, batch=10, progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checked(Linear(lambda z: z.log_softmax(1)), images)


def test_a_network_that_writes_into_its_input_is_refused(images):
    class InPlace(Linear):
        def forward(self, given):
            return super().forward(given.sub_(0.5))

    before = images.clone()
    with pytest.raises(ValueError, match="writes into it"):
        fk.gradients.fgsm(InPlace(), images, torch.zeros(8).long(), epsilon=0.1)
    assert torch.equal(images, before)


def test_a_network_that_answers_at_random_is_refused(images):
    net = Linear(lambda z: z + torch.randn_like(z))
    with pytest.raises(ValueError, match="a second pass differs by"):
        fk.gradients.pgd(net, images, torch.zeros(8).long(), epsilon=0.1)
    with pytest.raises(ValueError, match="a second pass differs by"):
        fk.evolve(net, fk.encodings.Pixels((1, 6, 6)), generations=1, progress=False)


def test_a_network_that_needs_nothing_is_called_as_it_is(images):
    net = Linear()
    assert checked(net, images) is net
    wrapped = checked(Linear(ANSWERS["tuple"]), images)
    assert isinstance(wrapped, Plain)
    assert torch.equal(wrapped(images), net(images))


def test_saturated_logits_are_announced_and_overcome():
    """LeNet's logits times 10,000: the cross-entropy's gradient is zero in float32."""
    lenet = fk.models.load("lenet")

    class Loud(nn.Module):
        def forward(self, images):
            return 1e4 * lenet(images)

    digits, labels = fk.data.digits()
    digits, labels = digits[:40], labels[:40]
    with pytest.warns(UserWarning, match=r"gradient of \d+ of 40 images is exactly zero.*margin"):
        hidden = fk.gradients.pgd(Loud(), digits, labels, epsilon=0.2, steps=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fk.gradients.pgd(Loud(), digits, labels, epsilon=0.2, steps=20, loss="margin")
        plain = fk.gradients.pgd(lenet, digits, labels, epsilon=0.2, steps=20, loss="margin")
    assert hidden.success.float().mean() < 0.3
    assert found.success.float().mean() > 0.8
    assert torch.equal(found.success, plain.success)
    with pytest.warns(UserWarning, match="exactly zero"):
        fk.gradients.fgsm(Loud(), digits, labels, epsilon=0.2)
    fk.gradients.fgsm(Loud(), digits, labels, epsilon=0.2, loss="margin")
    goals = (labels + 1) % 10
    aimed = fk.gradients.pgd(
        Loud(), digits, goals, epsilon=0.3, steps=40, loss="margin", targeted=True
    )
    assert aimed.success.float().mean() > 0.5
    with pytest.raises(ValueError, match="loss: expected one of 'cross-entropy', 'margin', 'dlr'"):
        fk.gradients.pgd(lenet, digits, labels, epsilon=0.2, loss="hinge")


def test_images_that_were_wrong_before_are_told_apart():
    always = Linear(lambda z: torch.cat([z[:, :1] * 0 + 9, z[:, 1:] * 0], 1))
    images = torch.rand(8, 1, 6, 6, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(8) % 3
    with pytest.warns(UserWarning, match="exactly zero"):
        found = fk.gradients.fgsm(always, images, labels, epsilon=0.1)
    assert found.success.sum() == (labels != 0).sum()
    assert not found.fooled.any()
    assert found.clean_accuracy == found.robust_accuracy == pytest.approx(3 / 8)
    assert "0 fooled, 5 wrong before" in repr(found)
    aimed = fk.gradients.noise(always, images, torch.zeros(8).long(), size=0.1)
    assert aimed.clean_accuracy == 1
    targeted = fk.gradients.pgd(
        Linear(), images, fk.models.predict(Linear(), images).argmax(1), epsilon=0.1, targeted=True
    )
    assert "0 fooled, 8 at the goal before" in repr(targeted)
    with pytest.raises(ValueError, match="targeted: expected untargeted"):
        _ = targeted.robust_accuracy


class Deviating(nn.Module):
    """Divides by an image's own deviation: NaN for a plain image."""

    def forward(self, images):
        flat = images.flatten(1)
        flat = (flat - flat.mean(1, keepdim=True)) / flat.std(1, keepdim=True)
        draws = torch.Generator().manual_seed(0)
        return flat @ torch.randn(36, 3, generator=draws)


def test_an_image_without_an_answer_fails_alone():
    images = torch.rand(6, 1, 6, 6, generator=torch.Generator().manual_seed(1))
    net = Deviating()
    labels = fk.models.predict(net, images).argmax(1)
    images[3] = 0
    for attack in (
        lambda: fk.gradients.pgd(net, images, labels, epsilon=1.0, norm="2"),
        lambda: fk.gradients.lbfgs(net, images, labels),
        lambda: fk.gradients.fgsm(net, images, labels, epsilon=0.3),
    ):
        found = attack()
        assert found.images.isfinite().all()
        assert not found.success[3]
        assert not found.success_8bit[3]
        others = [0, 1, 2, 4, 5]
        assert found.success[others].float().mean() > 0.5


def test_a_child_without_an_answer_does_not_empty_its_generation():
    class OneBlank(fk.encodings.Pixels):
        def render(self, genomes):
            images = super().render(genomes)
            if len(images) == 50:
                images[7] = 0.5
            return images

    class FirstIsFine(Deviating):
        calls = 0

        def forward(self, images):
            self.calls += 1
            logits = super().forward(images)
            return logits.nan_to_num(0) if self.calls <= 3 else logits

    elites = fk.evolve(FirstIsFine(), OneBlank((1, 6, 6)), generations=30, batch=50, progress=False)
    assert elites.confidence.isfinite().all()
    assert (elites.born > 0).any()


def test_numbers_of_numpy_and_torch_are_numbers(images):
    net = Linear()
    labels = fk.models.predict(net, images).argmax(1)
    plain = fk.gradients.pgd(net, images, labels, epsilon=0.25, steps=5)
    for epsilon in (np.float32(0.25), np.float64(0.25), torch.tensor(0.25)):
        found = fk.gradients.pgd(net, images, labels, epsilon=epsilon, steps=np.int64(5))
        assert torch.equal(found.images, plain.images)
    for several in (np.array([0.125, 0.25]), torch.tensor([0.125, 0.25]), (0.125, 0.25)):
        found = fk.gradients.fgsm(net, images, labels, epsilon=several)
        assert [float(one.linf.max()) for one in found] == pytest.approx([0.125, 0.25], abs=1e-6)
    for wrong in ("0.1", True, None, 1j, torch.tensor([[0.1]]).bool()):
        with pytest.raises((TypeError, ValueError), match="epsilon: expected"):
            fk.gradients.fgsm(net, images, labels, epsilon=wrong)
    with pytest.raises(ValueError, match="steps: expected an integer of at most"):
        fk.gradients.pgd(net, images, labels, epsilon=0.1, steps=10**30)


ROUTINES = {
    "fgsm": lambda *a: fk.gradients.fgsm(*a, epsilon=0.1),
    "fgsm, margin": lambda *a: fk.gradients.fgsm(*a, epsilon=0.1, loss="margin"),
    "pgd": lambda *a: fk.gradients.pgd(*a, epsilon=0.1, steps=3),
    "deepfool": lambda *a: fk.gradients.deepfool(*a),
    "carlini_wagner": lambda *a: fk.gradients.carlini_wagner(*a, steps=5, search_steps=2),
    "lbfgs": lambda *a: fk.gradients.lbfgs(*a),
    "ascent": lambda net, images, labels: fk.gradients.ascent(
        net, (labels + 1) % 3, start=images, steps=3
    ),
}


@pytest.mark.parametrize("name", ROUTINES)
def test_every_gradient_routine_says_where_the_gradient_is_zero(name, images):
    """Half of the images lie where the network rounds."""

    class Stairs(Linear):
        def forward(self, given):
            flat = given.flatten(1)
            steps = flat + (flat.round() - flat).detach() * 0
            plain = (flat[:, :1] > 0.5).float()  # of these images only the rounded pixels count
            return (plain * flat.round() + (1 - plain) * steps) @ self.weight

    net = Stairs()
    images[:4, 0, 0, 0], images[4:, 0, 0, 0] = 0.9, 0.1
    labels = fk.models.predict(net, images).argmax(1)
    with pytest.warns(UserWarning, match="gradient of 4 of 8 images is exactly zero"):
        ROUTINES[name](net, images, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ROUTINES[name](net, images[4:], labels[4:])


@pytest.mark.parametrize("name", ROUTINES)
def test_a_network_cut_off_from_its_images_is_refused_by_name(name, images):
    class Cut(Linear):
        def forward(self, given):
            return super().forward(given.detach())

    with pytest.raises(ValueError, match="net: expected logits that can be differentiated"):
        ROUTINES[name](Cut(), images, fk.models.predict(Cut(), images).argmax(1))


def test_a_first_image_without_an_answer_is_no_reason_to_refuse():
    images = torch.rand(6, 1, 6, 6, generator=torch.Generator().manual_seed(1))
    labels = fk.models.predict(Deviating(), images).argmax(1)
    images[0] = 0.5
    found = fk.gradients.pgd(Deviating(), images, labels, epsilon=0.5)
    assert not found.success[0]
    assert found.success[1:].all()
    # plain images are frequent among the first patterns
    elites = fk.evolve(
        Deviating(), fk.encodings.CPPN((1, 6, 6)), generations=3, batch=60, progress=False
    )
    assert (elites.confidence > 0).all()

    class Never(Linear):
        def forward(self, given):
            return super().forward(given) * torch.nan

    with pytest.raises(FloatingPointError, match="net: expected finite logits"):
        fk.gradients.fgsm(Never(), images, labels, epsilon=0.1)
    with pytest.raises(FloatingPointError, match="net: expected finite logits"):
        fk.evolve(Never(), fk.encodings.Pixels((1, 6, 6)), generations=1, progress=False)


class OwnMode(Linear):
    """Its noise hangs on what ``train`` was told, and not on the flag."""

    noisy = True

    def train(self, mode=True):
        self.noisy = mode
        return super().train(mode)

    def forward(self, images):
        logits = super().forward(images)
        return logits + torch.randn_like(logits) if self.noisy else logits


def test_a_module_with_a_mode_of_its_own_is_told_and_told_back(images):
    net = nn.Sequential(OwnMode())
    quiet = fk.models.predict(Linear(), images)
    assert torch.equal(fk.models.predict(net, images), quiet)
    assert net[0].noisy
    assert net[0].training
    net[0].eval()
    fk.models.predict(net, images)
    assert not net[0].noisy
    assert not net[0].training
    fk.gradients.fgsm(OwnMode(), images, quiet.argmax(1), epsilon=0.1)


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_a_frozen_program_of_torchscript(images):
    plain = nn.Sequential(nn.Flatten(), nn.Linear(36, 3)).eval()
    frozen = torch.jit.freeze(torch.jit.script(plain))
    labels = fk.models.predict(plain, images).argmax(1)
    assert torch.equal(fk.models.predict(frozen, images).argmax(1), labels)
    found = fk.gradients.fgsm(frozen, images, labels, epsilon=0.2)
    assert torch.equal(found.images, fk.gradients.fgsm(plain, images, labels, epsilon=0.2).images)


def test_predict_leaves_its_images_alone_and_needs_two_classes(images):
    class InPlace(Linear):
        def forward(self, given):
            return super().forward(given.sub_(0.5))

    before = images.clone()
    fk.models.predict(InPlace(), images)
    assert torch.equal(images, before)
    with pytest.raises(ValueError, match=r"net: expected logits .*torch\.cat\(\[-z, z\], 1\)"):
        fk.models.predict(Linear(lambda z: z[:, :1]), images)
    with pytest.raises(TypeError, match="net: expected a torch.nn.Module, got function"):
        fk.models.predict(lambda given: given, images)


def test_analysis_goes_through_the_door(images):
    plain, odd = Linear(), Linear(ANSWERS["object"]).double()
    shares = [
        fk.analysis.class_shares(net, images=50, shape=(1, 6, 6), progress=False)
        for net in (plain, odd)
    ]
    assert torch.equal(shares[0].hits, shares[1].hits)


def test_a_default_of_double_precision_changes_nothing(images):
    """What is drawn is float32, whatever PyTorch's default is."""
    net = Linear()
    labels = fk.models.predict(net, images).argmax(1)

    def made():
        return [
            fk.gradients.pgd(net, images, labels, epsilon=0.1).images,
            fk.gradients.pgd(net, images, labels, epsilon=0.5, norm="2", restarts=2).images,
            fk.gradients.noise(net, images, labels, size=0.5).images,
            fk.gradients.blind(net, images, labels, epsilon=0.1, generations=5).images,
            fk.gradients.ascent(net, labels, shape=(1, 6, 6), steps=3).images,
            fk.evolve(
                net, fk.encodings.Pixels((1, 6, 6)), generations=3, batch=20, progress=False
            ).images,
        ]

    expected = made()
    torch.set_default_dtype(torch.float64)
    try:
        again = made()
    finally:
        torch.set_default_dtype(torch.float32)
    for one, other in zip(expected, again, strict=True):
        assert other.dtype == torch.float32
        assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:torch.quantize:UserWarning")
def test_a_quantised_network_keeps_a_checkpoint(tmp_path):
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Flatten(), nn.Linear(36, 3)).eval()
    net = torch.ao.quantization.quantize_dynamic(plain, {nn.Linear}, torch.qint8)
    settings = {"batch": 20, "progress": False, "checkpoint": tmp_path / "run"}
    encoding = fk.encodings.Pixels((1, 6, 6))
    fk.evolve(net, encoding, generations=2, **settings)
    resumed = fk.evolve(net, encoding, generations=4, **settings)
    assert len(resumed.history.confidence) == 5
