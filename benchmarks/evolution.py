"""Evolution against the forward pass that it needs."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

import foolkit as fk
from benchmarks.timing import alternate, median, ratio
from foolkit.models.precision import Precision

BATCH = 200


def as_a_user_writes_it() -> nn.Module:
    """The shipped LeNet, eager, float32, in the default memory format."""
    net = fk.models.LeNet().eval()
    net.load_state_dict(fk.models.load("lenet").module.state_dict())
    return net.to(memory_format=torch.contiguous_format)


def rows() -> list[dict[str, Any]]:
    """A generation of the direct encoding, and evolution's own cost."""
    return [*_generation(), _own_cost()]


def _generation() -> list[dict[str, Any]]:
    plain, net = as_a_user_writes_it(), fk.models.load("lenet")
    images = torch.rand((BATCH, *net.input_shape), generator=torch.Generator().manual_seed(0))

    @torch.inference_mode()
    def floor() -> None:
        for _ in range(10):
            plain(images)

    precisions: list[Precision] = ["float32"]
    able = torch.cpu.get_capabilities()
    if able.get("avx512_bf16") or able.get("amx_bf16"):  # elsewhere it is slower, and no gain
        precisions.append("bfloat16")
    encoding = fk.encodings.Pixels(net.input_shape)
    searches = {p: fk.evolution.MapElites(net, encoding, precision=p) for p in precisions}
    seconds = alternate(
        {
            "floor": floor,
            **{
                name: lambda search=search: search.run(10, progress=False)
                for name, search in searches.items()
            },
        },
        repeats=25,
    )
    floor_rate = 10 * BATCH / median(seconds["floor"])
    return [
        {
            "name": f"a generation of 200, direct encoding, LeNet, {name}",
            "value": ratio(seconds, name, "floor"),
            "bar": 1.5 if name == "float32" else 1.8,
            "unit": "x the images/s of an eager forward",
            "detail": f"{10 * BATCH / median(seconds[name]):,.0f} images/s;"
            f" eager forward {floor_rate:,.0f}",
        }
        for name in precisions
    ]


def _own_cost() -> dict[str, Any]:
    """Milliseconds a generation with a nearly free network, on one thread."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(784, 10)).eval()
    net = fk.models.Classifier(module, input_shape=(1, 28, 28), classes=10, name="linear")
    search = fk.evolution.MapElites(net, fk.encodings.Pixels(net.input_shape))
    images = torch.rand(BATCH, 1, 28, 28)

    @torch.inference_mode()
    def network() -> None:
        for _ in range(100):
            module(images)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        seconds = alternate(
            {"network": network, "generations": lambda: search.run(100, progress=False)}, repeats=9
        )
    finally:
        torch.set_num_threads(threads)
    pairs = zip(seconds["generations"], seconds["network"], strict=True)
    own = median([(whole - part) * 1000 / 100 for whole, part in pairs])
    return {
        "name": "evolution's own cost, a generation of 200, one thread",
        "value": own,
        "bar": 2.5,
        "unit": "ms (lower is better)",
        "detail": f"the network, linear, takes {median(seconds['network']) * 10:.2f} ms of it",
        "lower": True,
    }
