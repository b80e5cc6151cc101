"""Every routine keeps to the device of its inputs, and asks the host for nothing within its loop.

Without a GPU: tensors that a routine makes without naming a device land on PyTorch's default
device, which here is ``meta``, and do not mix with the images, which are on the CPU. And what the
host asks of a tensor passes through the dispatcher, where it is counted.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

import foolkit as fk

READS = {  # by which the host waits for a GPU
    torch.ops.aten._local_scalar_dense.default,
    torch.ops.aten.nonzero.default,
    torch.ops.aten.equal.default,
    torch.ops.aten.is_nonzero.default,
}


class HostReads(TorchDispatchMode):
    """Counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func in READS
        return func(*args, **(kwargs or {}))


@pytest.fixture(scope="module")
def victim() -> fk.models.Classifier:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 3)).eval()
    return fk.models.Classifier(module, input_shape=(1, 8, 8), classes=3, name="small")


@pytest.fixture(scope="module")
def data(victim):
    images = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return images, victim(images).argmax(1)


def attack(name: str, **options: Any) -> Callable[..., Any]:
    def call(net, images, labels, steps: int) -> Any:
        return getattr(fk.gradients, name)(net, images, labels, steps=steps, **options)

    return call


def evolve(encoding: Callable[..., Any]) -> Callable[..., Any]:
    def call(net, images, labels, steps: int) -> Any:
        search = fk.evolution.MapElites(net, encoding(net.input_shape), batch=8)
        return search.run(steps, progress=False)

    return call


def ascend(net, images, labels, steps: int) -> Any:
    return fk.gradients.ascent(net, labels, start=images, steps=steps, progress=False)


QUIET = {"progress": False}
LOOPS = {  # whose steps are as many as asked for
    "pgd": attack("pgd", epsilon=0.01, **QUIET),
    "apgd": attack("apgd", epsilon=0.01, **QUIET),
    "square": attack("square", epsilon=0.01, **QUIET),
    "fmn": attack("fmn", **QUIET),
    "carlini_wagner": attack("carlini_wagner", search_steps=1, abort_early=False, **QUIET),
    "few_pixels": lambda net, images, labels, steps: fk.gradients.few_pixels(
        net, images, labels, population=8, generations=steps, **QUIET
    ),
    "universal": lambda net, images, labels, steps: fk.gradients.universal(
        net, images, labels, epsilon=0.1, passes=steps, **QUIET
    ),
    "patch": attack("patch", target=None, size=3, **QUIET),
    "turned patch": attack("patch", target=None, size=3, shape="disc", turn=40, **QUIET),
    "pixels": evolve(fk.encodings.Pixels),
    "cppn": evolve(fk.encodings.CPPN),
    "ascent": ascend,
}
ALL = {
    **LOOPS,
    "fgsm": lambda net, images, labels, steps: fk.gradients.fgsm(net, images, labels, epsilon=0.1),
    "deepfool": attack("deepfool", **QUIET),
    "lbfgs": attack("lbfgs", **QUIET),
    "blind": lambda net, images, labels, steps: fk.gradients.blind(
        net, images, labels, epsilon=0.1, generations=steps
    ),
    "noise": lambda net, images, labels, steps: fk.gradients.noise(net, images, labels, size=0.1),
    "every_pixel": lambda net, images, labels, steps: fk.gradients.every_pixel(
        net, images, labels, **QUIET
    ),
    "ensemble": attack("ensemble", epsilon=0.1, queries=10, **QUIET),
}


@pytest.mark.parametrize("name", ALL)
def test_whatever_it_makes_is_on_the_device_of_its_inputs(victim, data, name):
    with torch.device("meta"):
        ALL[name](victim, *data, steps=5)


@pytest.mark.parametrize("name", LOOPS)
def test_the_host_reads_no_more_in_a_longer_loop(victim, data, name):
    def reads(steps: int) -> int:
        with HostReads() as mode:
            LOOPS[name](victim, *data, steps=steps)
        return mode.count

    reads(20)  # what is kept between calls is there
    short, long = reads(20), reads(40)
    assert short > 0, "the arguments are checked, which reads"
    assert long - short <= 20 * MOST.get(name, 0)


# reads of one step
MOST = {
    "apgd": 1,  # whether all are fooled, or the step's length changes
    "square": 1,  # which are fooled, and asked no more
    "few_pixels": 1,  # which are fooled
    "patch": 1,  # Adam's own counter, which is on the host
    "turned patch": 1,
    "ascent": 0.2,  # now and then, whether all are sure
    "pixels": 1,  # which classes have a new elite
    "cppn": 12,  # and what was rewired, and how deep the networks are
}
