"""The page's SqueezeNet is PyTorch's: the same logits and gradients, at any size, both ways."""

from base64 import b64encode

import numpy as np
import pytest
import torch

import foolkit as fk
from foolkit.models import squeezenet

MODULES = ("products.js", "squeezenet.js")
LOAD = """text => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    globalThis.squeezed = E.squeezeNet(E.readSafetensors(new DataView(bytes.buffer)));
    globalThis.floats = (text) => new Float32Array(
        Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
}"""


@pytest.fixture(scope="module")
def page(engine):
    engine(LOAD, b64encode(squeezenet.float16_weights()).decode())
    return engine


@pytest.fixture(scope="module")
def net():
    """PyTorch's, with weights rounded as in the page."""
    rounded = fk.models.load("squeezenet1_1", input_shape=(3, 96, 96))
    for parameter in rounded.parameters():
        parameter.copy_(parameter.half().float())
    return rounded


def images(size, count, seed=0):
    """Photographs, noise and patterns of so many pixels."""
    photographs, _ = fk.data.embedded_photographs((3, size, size))
    draws = torch.Generator().manual_seed(seed)
    code = fk.encodings.CPPN((3, size, size))
    mixed = [photographs, torch.rand(count, 3, size, size, generator=draws)]
    mixed.append(code.render(code.sample(count, draws)))
    return torch.cat(mixed)[torch.randperm(14 + 2 * count, generator=draws)[:count]]


def sent(image):
    """Row by row, red, green and blue of each pixel."""
    return b64encode(image.permute(1, 2, 0).contiguous().numpy().tobytes()).decode()


@pytest.mark.parametrize(("size", "count"), [(96, 80), (97, 4), (224, 16)])
def test_logits_are_pytorchs(page, net, size, count):
    shown = images(size, count)
    with torch.inference_mode():
        expected = net.module(shown)
    found = torch.tensor(
        [
            page("([x, s]) => Array.from(squeezed.logits(floats(x), s))", [sent(image), size])
            for image in shown
        ]
    )
    assert (found - expected).abs().max() <= 1e-3 * expected.abs().max()
    top = expected.topk(2).values
    clear = top[:, 0] - top[:, 1] > 1e-3 * expected.abs().max()
    assert clear.float().mean() > 0.9
    assert torch.equal(found.argmax(1)[clear], expected.argmax(1)[clear])


@pytest.mark.parametrize(("size", "count"), [(96, 8), (224, 2)])
def test_gradients_are_pytorchs(page, net, size, count):
    shown = images(size, count, seed=1).requires_grad_()
    goals = torch.arange(count) * 100 + 9
    told = net.module(shown).log_softmax(1).gather(1, goals[:, None]).sum()
    (expected,) = torch.autograd.grad(told, shown)
    for image, slope, goal in zip(shown.detach(), expected, goals.tolist(), strict=True):
        found = page(
            "([x, s, k]) => Array.from("
            "squeezed.gradient(floats(x), s, E.logProbabilityOf(k)).gradient)",
            [sent(image), size, goal],
        )
        found = torch.tensor(found).view(size, size, 3).permute(2, 0, 1)
        near = (found - slope).abs() <= 1e-2 * slope.abs().max()
        assert near.float().mean() >= 0.99
        assert np.corrcoef(found.flatten(), slope.flatten())[0, 1] > 0.99


def test_without_vectors_the_answers_are_the_same(page):
    """Plain JavaScript, where a browser has no WebAssembly with vectors."""
    image = images(64, 1)[0]
    logits, gradients = page(
        """([x, s, text]) => {
            const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
            const tensors = E.readSafetensors(new DataView(bytes.buffer));
            const both = [E.vectorWorkspace, E.plainWorkspace].map((space) =>
                E.squeezeNet(tensors, space).gradient(floats(x), s, E.logitOf(9)));
            return ["logits", "gradient"].map((name) => both.map((one) => Array.from(one[name])));
        }""",
        [sent(image), 64, b64encode(squeezenet.float16_weights()).decode()],
    )
    for one, other in (logits, gradients):
        one, other = torch.tensor(one), torch.tensor(other)
        assert one.abs().max() > 0
        assert (one - other).abs().max() <= 1e-4 * one.abs().max()


def test_what_is_no_image_is_refused(page):
    for call, message in (
        ("squeezed.logits(new Float32Array(3 * 31 * 31), 31)", "size: expected a whole number"),
        ("squeezed.logits(new Float32Array(3 * 40), 40)", "image: expected 4800 numbers, got 120"),
    ):
        said = page(f"() => {{ try {{ {call}; }} catch (error) {{ return error.message; }} }}")
        assert message in said
