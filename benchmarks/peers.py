"""Every routine beside the peers that have it, on one network, in one run.

``make bench-peers`` installs the peers and runs this; the page *Speed* of the book is made from
what it writes.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

import foolkit as fk
from benchmarks.attackers import Attack, nearest, routines
from benchmarks.breeders import CHILDREN, breeders, ours
from benchmarks.evolution import as_a_user_writes_it
from benchmarks.gradients import LEVEL, forward, forward_and_backward
from benchmarks.timing import added_memory, alternate, median, ratio

IMAGES, NEAREST, WEIGHED = 50, 30, 500  # digits; the last, of what a routine needs in memory
ROUNDS = 5
SLOW = 8  # times foolkit's seconds, from which a peer is timed once and not weighed
SIDE = 2048  # of the matrices whose product is the machine's best
Row = dict[str, Any]


def rows() -> list[Row]:
    """The machine, the routines, the generation, the smallest distance, and what grows.

    Raises:
        Skipped: a peer is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers' own, of old interfaces
        found = [_machine(), *_floors()]
        for name, attacks in routines().items():
            found += _routine(name, attacks)
        return [*found, *_generation(), *_nearest(), *_growth()]


class Counted(nn.Module):
    """A network that counts the images that pass through it, and the gradients that come back."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net, self.forwards, self.backwards = net, 0, 0
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        self.forwards += len(images)
        logits = self.net(images)
        if logits.requires_grad:
            logits.register_hook(self._count)
        return logits

    def _count(self, slope: Tensor) -> None:
        if torch._C._functorch.is_legacy_batchedtensor(slope):
            raise NotImplementedError("gradients that come back several at once are not counted")
        self.backwards += len(slope)


def _machine() -> Row:
    a = torch.rand(SIDE, SIDE)
    seconds = alternate({"product": lambda: a @ a}, ROUNDS)["product"]
    return {
        "name": f"the machine: a product of {SIDE} x {SIDE} matrices",
        "value": 2 * SIDE**3 / median(seconds) / 1e9,
        "bar": None,
        "unit": "billion multiplications and additions a second",
        "detail": f"{torch.get_num_threads()} threads",
        "group": "machine",
    }


def _floors() -> list[Row]:
    net, (images, labels) = as_a_user_writes_it(), _digits(IMAGES)
    passes = {
        "a forward pass": lambda: forward(net, images),
        "a forward and a backward pass": lambda: forward_and_backward(net, images, labels),
    }
    seconds = alternate(passes, 9)
    return [
        {
            "name": f"the floor: {name} of an eager LeNet",
            "value": IMAGES / median(seconds[name]),
            "bar": None,
            "unit": "images/s",
            "detail": f"{IMAGES} images at once",
            "group": "machine",
        }
        for name in passes
    ]


def _digits(n: int) -> tuple[Tensor, Tensor]:
    images, labels = fk.data.digits()
    return images[:n], labels[:n]


def _quality(net: nn.Module, images: Tensor, labels: Tensor, made: Tensor | None) -> dict[str, Any]:
    """Share of the images that are read wrongly, and how far those lie, at the median."""
    if made is None:
        return {"success": None, "distance": None}
    with torch.no_grad():
        fooled = net(made).argmax(1) != labels
    far = (made - images).flatten(1).norm(dim=1)[fooled]
    return {
        "success": float(fooled.double().mean()),
        "distance": float(far.median()) if len(far) else None,
    }


def _routine(name: str, attacks: dict[str, Attack]) -> list[Row]:
    """One routine on the user's module; foolkit on its own fast network beside it."""
    plain, (images, labels) = as_a_user_writes_it(), _digits(IMAGES)
    torch.manual_seed(0)
    about: dict[str, Row] = {}
    once: dict[str, float] = {}
    for who, attack in attacks.items():
        counted = Counted(plain)
        start = time.perf_counter()
        made = attack(counted, images, labels)
        once[who] = time.perf_counter() - start
        about[who] = {
            "forwards": counted.forwards / len(images),
            "backwards": counted.backwards / len(images),
            **_quality(plain, images, labels, made),
        }
    calls: dict[str, Callable[[], object]] = {
        who: lambda attack=attack: attack(plain, images, labels)
        for who, attack in attacks.items()
        if once[who] < SLOW * once["foolkit"]
    }
    calls["fast"] = lambda: attacks["foolkit"](fk.models.load("lenet"), images, labels)
    seconds = alternate(calls, ROUNDS)
    seconds |= {who: [once[who]] * ROUNDS for who in attacks if who not in seconds}
    found = [
        {
            "name": f"{name}: {who}",
            "value": ratio(seconds, "foolkit", who),
            "bar": None,
            "unit": "of this one's seconds to foolkit's, on the same network",
            "detail": f"{len(images) / median(seconds[who]):,.1f} images/s",
            "group": "routines",
            "routine": name,
            "who": who,
            "rate": len(images) / median(seconds[who]),
            "memory": attack_memory(name, who) if who in calls else None,
            "weighed": WEIGHED,
            **about[who],
        }
        for who in attacks
    ]
    best = min((who for who in attacks if who != "foolkit"), key=lambda who: median(seconds[who]))
    for of, on, bar in (("foolkit", "the user's module", BARS[name][0]),
                        ("fast", "our network", BARS[name][1])):  # fmt: skip
        found.append(
            {
                "name": f"{name}: foolkit on {on} against the fastest peer, {best}",
                "value": ratio(seconds, of, best),
                "bar": bar,
                "unit": f"x the speed of {best} on the user's module",
                "detail": f"{len(images) / median(seconds[of]):,.1f} images/s",
                "group": "bars",
            }
        )
    return found


# on the user's own module, and on the networks of this project, against the fastest peer
BARS: dict[str, tuple[float | None, float | None]] = {
    "PGD, 40 steps": (LEVEL, 1.3),
    "Carlini and Wagner, 100 steps": (LEVEL, 1.3),
    "DeepFool": (2, 2),
    "L-BFGS": (3, 3),
    "APGD, 50 steps": (None, None),
    "FMN, 100 steps": (None, None),
    "Square, 500 queries": (None, None),
}


def attack_alone(name: str, who: str, images: int) -> None:
    """One routine of one toolkit, once: what a process is weighed at."""
    routines()[name][who](as_a_user_writes_it(), *_digits(images))


def attack_memory(name: str, who: str) -> float | None:
    """MiB for ``WEIGHED`` digits, beyond what one digit left."""
    call = f"peers.attack_alone({name!r}, {who!r}, {{}})"
    return _mebibytes(f"from benchmarks import peers; {call.format(1)}", call.format(WEIGHED))


def breed_memory(who: str) -> float | None:
    """MiB for ten generations, beyond what the toolkit and the network need before the first."""
    before = (
        "from benchmarks import peers; "
        f"generation = peers.breeders(peers.as_a_user_writes_it())[{who!r}]"
    )
    return _mebibytes(before, "for _ in range(10): generation()")


def _mebibytes(before: str, script: str) -> float | None:
    """The median of three processes: what one takes from the system is not quite what it needs."""
    weights = [found for _ in range(3) if (found := added_memory(before, script)) is not None]
    return median(weights) if weights else None


def _generation() -> list[Row]:
    net = as_a_user_writes_it()
    makers = breeders(net)
    fast = ours(fk.models.load("lenet").module)
    images = torch.rand(CHILDREN, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    calls = {
        who: lambda generation=generation: [generation() for _ in range(10)]
        for who, generation in {**makers, "fast": fast}.items()
    }
    seconds = alternate({**calls, "floor": lambda: [forward(net, images) for _ in range(10)]}, 9)
    found = [
        {
            "name": f"MAP-Elites, a generation of {CHILDREN}: {who}",
            "value": ratio(seconds, "foolkit", who),
            "bar": None,
            "unit": "of this one's seconds to foolkit's, on the same network",
            "detail": f"{10 * CHILDREN / median(seconds[who]):,.0f} images/s",
            "group": "routines",
            "routine": f"MAP-Elites, {CHILDREN} images",
            "who": who,
            "rate": 10 * CHILDREN / median(seconds[who]),
            "memory": breed_memory(who),
        }
        for who in makers
    ]
    best = min((who for who in makers if who != "foolkit"), key=lambda who: median(seconds[who]))
    return found + [
        {
            "name": f"MAP-Elites: foolkit on {on} against the fastest peer, {best}",
            "value": ratio(seconds, of, best),
            "bar": bar,
            "unit": f"x the speed of {best} on the user's module",
            "detail": f"{10 * CHILDREN / median(seconds[of]):,.0f} images/s;"
            f" forward passes alone {10 * CHILDREN / median(seconds['floor']):,.0f}",
            "group": "bars",
        }
        for of, on, bar in (("foolkit", "the user's module", LEVEL), ("fast", "our network", 1.8))
    ]


def _nearest() -> list[Row]:
    """How near each search comes to the nearest change that anyone found.

    The measure of Cinà et al. (2025, AttackBench), local optimality: with A the area under the
    curve of robust accuracy against distance, up to the largest of the best distances,
    ``(A_0 - A) / (A_0 - A_best)``, where A_0 is that of no attack.
    """
    net, (images, labels) = as_a_user_writes_it(), _digits(NEAREST)
    torch.manual_seed(0)
    far: dict[str, Tensor] = {}
    spent: dict[str, tuple[float, float]] = {}
    with torch.no_grad():
        right = net(images).argmax(1) == labels
    for who, attack in nearest().items():
        counted = Counted(net)
        made = attack(counted, images, labels)
        spent[who] = counted.forwards / len(images), counted.backwards / len(images)
        with torch.no_grad():
            fooled = net(made).argmax(1) != labels
        distance = (made - images).flatten(1).norm(dim=1).where(fooled, torch.inf)
        far[who] = distance.where(right, 0.0)
    best = torch.stack(list(far.values())).amin(0)
    end = float(best.max())

    def area(distance: Tensor) -> float:
        return float(distance.clamp_max(end).double().mean())

    none = end * float(right.double().mean())
    return [
        {
            "name": f"smallest L2: {who}",
            "value": (none - area(distance)) / (none - area(best)),
            "bar": None,
            "unit": "local optimality (1: the nearest that anyone found, for every image)",
            "detail": f"median L2 {float(distance.median()):.3f};"
            f" {spent[who][0]:,.0f} forward and {spent[who][1]:,.0f} backward passes an image",
            "group": "nearest",
            "who": who,
            "forwards": spent[who][0],
            "backwards": spent[who][1],
            "distance": middle if (middle := float(distance.median())) < float("inf") else None,
        }
        for who, distance in far.items()
    ]


def _net_of(classes: int, side: int) -> fk.models.Classifier:
    """A small convolutional network for any number of classes and any size."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 20, 5, stride=2), nn.ReLU(), nn.Conv2d(20, 50, 5), nn.ReLU(),
        nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(800, classes),
    ).eval()  # fmt: skip
    return fk.models.Classifier(
        module, input_shape=(1, side, side), classes=classes, name=f"{classes} classes"
    )


def _growth() -> list[Row]:
    """What a generation costs beside its forward pass, as batch, classes and size grow."""
    found = []
    cases = [("batch", n, 10, 28) for n in (20, 200, 1000)]
    cases += [("classes", 200, k, 28) for k in (10, 100, 1000)]
    cases += [("side", 200, 10, side) for side in (28, 56, 112)]
    first: dict[str, float] = {}
    for grown, batch, classes, side in cases:
        net = _net_of(classes, side)
        search = fk.evolution.MapElites(net, fk.encodings.Pixels(net.input_shape), batch=batch)
        images = torch.rand(batch, 1, side, side)
        seconds = alternate(
            {
                "evolve": lambda search=search: search.run(1, progress=False),
                "floor": lambda net=net, images=images: forward(net, images),
            },
            ROUNDS,
        )
        times = 1 / ratio(seconds, "evolve", "floor")
        first.setdefault(grown, times)
        amount = {"batch": batch, "classes": classes, "side": side}[grown]
        found.append(
            {
                "name": f"a generation, {batch} children, {classes} classes, {side} x {side}",
                "value": times / first[grown],
                "bar": 1.2 if (grown, amount) == ("classes", 1000) else None,
                "unit": f"of what it is at the first {grown} (lower is better)",
                "detail": f"{times:.2f} times the forward pass;"
                f" {1e6 * median(seconds['evolve']) / batch:,.0f} microseconds an image",
                "group": "growth",
                "lower": True,
            }
        )
    return found
