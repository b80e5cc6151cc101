"""What a camera does to a picture, and who looks through it."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

import foolkit as fk
from foolkit import transforms
from foolkit.gradients import ascent, pgd
from foolkit.transforms import (
    Blur,
    Brightness,
    Chain,
    Jpeg,
    Paste,
    Scale,
    SensorNoise,
    Shift,
    jpeg,
)

SHAPE = (3, 20, 28)


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(n=4, shape=SHAPE):
    """Smooth ones, since noise survives none of these."""
    small = torch.rand(n, shape[0], 5, 7, generator=draws(9))
    return torch.nn.functional.interpolate(small, shape[1:], mode="bicubic").clamp(0, 1)


ALL = {
    "shift": Shift(2),
    "scale": Scale(0.8, 1.2),
    "brightness": Brightness(0.1, 0.2),
    "blur": Blur(1.5),
    "noise": SensorNoise(0.05),
    "jpeg": Jpeg(30, 90),
    "paste": Paste(pictures(2, (3, 30, 30)), 0.6, 1.1, 0.1),
    "chain": Chain((Shift(1), Blur(1), Jpeg(50, 90))),
}


@pytest.fixture(scope="module")
def lenet():
    return fk.models.load("lenet")


@pytest.fixture(params=ALL)
def transform(request):
    return ALL[request.param]


def test_every_transformation(transform):
    images = pictures().requires_grad_()
    made = transform(images, draws())
    assert made.shape == images.shape
    assert made.min() >= -1e-6
    assert made.max() <= 1 + 1e-6
    assert torch.equal(made, transform(images, draws()))
    assert not torch.equal(made, transform(images, draws(1)))
    # the same is done to all, whoever the neighbours are
    torch.testing.assert_close(transform(images[2:3], draws()), made[2:3], atol=1e-5, rtol=0)
    (slope,) = torch.autograd.grad(made.square().sum(), images)
    assert (slope.flatten(1).abs().sum(1) > 0).all()


@pytest.mark.parametrize(
    "nothing",
    [Shift(0), Scale(1, 1), Brightness(0), Blur(0), SensorNoise(0), Chain(())],
)
def test_of_size_zero_they_change_nothing(nothing):
    images = pictures()
    torch.testing.assert_close(nothing(images, draws()), images, atol=1e-5, rtol=0)


def test_a_shift_by_whole_pixels_is_a_roll(monkeypatch):
    monkeypatch.setattr(transforms, "uniform", lambda *_: 3.0)
    images = pictures()
    moved = Shift(3)(images, draws())
    torch.testing.assert_close(moved[..., 3:, 3:], images[..., :-3, :-3], atol=1e-5, rtol=0)
    torch.testing.assert_close(moved[..., :3], moved[..., 3:4].expand(-1, -1, -1, 3))


def test_twice_as_large_is_the_middle_of_it():
    images = pictures(shape=(3, 16, 16))
    large = Scale(2, 2)(images, draws())
    middle = torch.nn.functional.interpolate(images, scale_factor=2, mode="bilinear")
    torch.testing.assert_close(large, middle[..., 8:24, 8:24], atol=1e-5, rtol=0)


def test_a_pasted_picture_lies_on_its_background():
    behind = torch.full((1, 3, 40, 40), 0.25)
    view = Paste(behind, 0.5, 0.5)(torch.ones(1, 3, 32, 32), draws())
    assert torch.allclose(view[..., 9:23, 9:23], torch.tensor(1.0), atol=1e-5)
    for edge in (view[..., :7, :], view[..., -7:, :], view[..., :7], view[..., -7:]):
        assert torch.allclose(edge, torch.tensor(0.25), atol=1e-5)
    whole = pictures(shape=(3, 32, 32))
    torch.testing.assert_close(Paste(behind, 1, 1)(whole, draws()), whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("quality", [20, 50, 75, 95])
@pytest.mark.parametrize("shape", [(3, 48, 48), (3, 21, 30), (1, 28, 28)])
def test_jpeg_against_pillow(quality, shape):
    images = (pictures(3, shape) * 255).round() / 255
    ours = jpeg(images, quality) * 255
    for image, made in zip(images, ours, strict=True):
        pixels = (image * 255).round().byte().permute(1, 2, 0).numpy()
        file = io.BytesIO()
        picture = Image.fromarray(pixels.squeeze())
        picture.save(file, "JPEG", quality=quality, subsampling=0)
        theirs = np.asarray(Image.open(file)).reshape(pixels.shape).astype(float)
        apart = np.abs(theirs - made.permute(1, 2, 0).numpy())
        # the file's own arithmetic is in integers, so a wave may be rounded to the other side
        assert apart.mean() < 1
        assert (apart <= 2).mean() > 0.9
    assert (ours - images * 255).abs().mean() > (0.2 if quality < 90 else 0)


def test_a_network_behind_views_says_their_mean(lenet):
    images, _ = fk.data.digits()
    images, shift = images[:5], Shift(3)
    behind = fk.models.transformed(lenet, shift, samples=3, seed=4)
    generator = draws(4)
    mean = sum(fk.models.predict(lenet, shift(images, generator)) for _ in range(3)) / 3
    torch.testing.assert_close(fk.models.predict(behind, images), mean, atol=1e-5, rtol=0)
    plain = fk.models.transformed(lenet, lambda images, _: images)
    torch.testing.assert_close(
        fk.models.predict(plain, images), fk.models.predict(lenet, images), atol=1e-6, rtol=0
    )
    assert torch.equal(behind(images), behind(images))
    assert not torch.equal(behind(images), fk.models.transformed(lenet, shift, samples=3)(images))


def test_what_is_bred_for_the_views_holds_in_others(lenet):
    blur, goals = Blur(2), torch.arange(10)
    fresh = fk.models.transformed(lenet, blur, samples=40, seed=99)

    def held(net):
        elites = fk.evolve(
            net, fk.encodings.Pixels(lenet.input_shape, eta=1.0), generations=100, batch=100,
            seed=0, progress=False,
        )  # fmt: skip
        return float(fk.models.predict(fresh, elites.images)[goals, goals].mean())

    through = fk.models.transformed(lenet, blur, samples=6)
    assert 1 - held(through) < 0.5 * (1 - held(lenet))


@pytest.mark.parametrize("samples", [1, 3])
def test_without_a_change_the_gradient_is_as_ever(lenet, samples):
    images, labels = (part[:6] for part in fk.data.digits())
    same = {"transform": lambda images, _: images, "samples": samples}
    how = {"threshold": None, "steps": 12, "seed": 1, "progress": False}
    plain, viewed = ascent(lenet, labels, **how), ascent(lenet, labels, **how, **same)
    torch.testing.assert_close(viewed.images, plain.images, atol=1e-3, rtol=0)
    torch.testing.assert_close(viewed.trajectory, plain.trajectory, atol=1e-3, rtol=0)
    assert (viewed.queries == 1 + (plain.queries - 1) * samples + samples - 1).all()
    how = {"epsilon": 0.2, "steps": 5, "progress": False, "norm": "2"}
    plain = pgd(lenet, images, labels, **how)
    viewed = pgd(lenet, images, labels, **how, **same)
    torch.testing.assert_close(viewed.images, plain.images, atol=1e-3, rtol=0)
    if samples == 1:
        assert torch.equal(viewed.images, plain.images)


def test_what_was_painted_through_the_views_holds_in_others(lenet):
    goals, shift = torch.arange(10), Shift(4)
    how = {"threshold": None, "steps": 60, "step_size": 0.02, "progress": False}
    fresh = fk.models.transformed(lenet, shift, samples=40, seed=99)

    def held(images):
        return float(fk.models.predict(fresh, images)[goals, goals].mean())

    through = ascent(lenet, goals, **how, transform=shift, samples=4)
    assert 1 - held(through.images) < 0.5 * (1 - held(ascent(lenet, goals, **how).images))
    assert torch.equal(
        through.images, ascent(lenet, goals, **how, transform=shift, samples=4).images
    )


def test_a_perturbation_through_the_views_holds_in_others(lenet):
    images, labels = (part[:60] for part in fk.data.digits())
    blur = Blur(2)
    fresh = fk.models.transformed(lenet, blur, samples=20, seed=99)
    how = {"epsilon": 0.15, "steps": 30, "progress": False}

    def right(adversarial):
        said = fk.models.predict(fresh, adversarial.images)
        return float(said.gather(1, labels[:, None]).mean())

    plain = pgd(lenet, images, labels, **how)
    viewed = pgd(lenet, images, labels, **how, transform=blur, samples=4)
    assert right(viewed) < right(plain) - 0.05


def test_bad_arguments(lenet):
    goals = torch.arange(3)
    with pytest.raises(TypeError, match="transform: expected a function or None, got 3"):
        ascent(lenet, goals, transform=3)
    with pytest.raises(ValueError, match="samples: expected an integer of at least 1, got 0"):
        ascent(lenet, goals, transform=Shift(1), samples=0)
    with pytest.raises(TypeError, match="transform: expected a function, got 3"):
        fk.models.transformed(lenet, 3)
    with pytest.raises(TypeError, match="net: expected a foolkit.models.Classifier"):
        fk.models.transformed(torch.nn.Flatten(), Shift(1))
    with pytest.raises(ValueError, match="most: expected a number >= 0"):
        Shift(-1)
    with pytest.raises(ValueError, match="high: expected a number >= 2"):
        Scale(2, 1)
    with pytest.raises(ValueError, match="high: expected a number .*<= 100"):
        Jpeg(50, 101)
    with pytest.raises(ValueError, match="backgrounds: expected at least 28 x 28 pixels"):
        Paste(torch.zeros(1, 1, 20, 20), 0.5, 1)(torch.zeros(1, 1, 28, 28), draws())
