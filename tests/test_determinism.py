"""The same seed, the same bits: over calls, and over processes of equal batch and threads.

On another processor or build of PyTorch sums are added up in another order: there, and for what
was stored on another machine, the facts are compared, with a margin, and not the bits.
"""

import hashlib
import subprocess
import sys

import pytest
import torch
from torch import Tensor

import foolkit as fk
from foolkit.bank.store import read
from foolkit.models.train import Recipe, fit
from tests import stress
from tests.fuzz.calls import CALLS, IMAGES
from tools.bank import families

ATTACKS = ("fgsm", "pgd", "pgd, L2", "pgd, L1", "apgd", "square", "deepfool", "fmn", "lbfgs",
           "carlini_wagner", "ensemble", "blind", "noise")  # fmt: skip
ROUNDING = 2.0**-24  # of a pixel, which is a float32 number up to 1: the original plus the change
OTHER = """
import sys
sys.path.insert(0, {root!r})
from tests import test_determinism as here
for name in here.MADE:
    print(name, here.digest_of(name), sep=": ")
"""


def trained():
    torch.manual_seed(3)
    images, labels = (part[:128] for part in fk.data.digits())
    net = fk.models.LeNet()
    fit(net, images, labels, Recipe("LeNet", epochs=1, distorted=True), progress=False)
    return net.state_dict()


MADE = {
    **{name: (lambda name=name: CALLS[name][0](**CALLS[name][1]))
       for name in (*ATTACKS, "ascent", "evolve, pixels", "evolve, cppn")},
    "training": trained,
}  # fmt: skip


def tensors_of(made):
    """All tensors of a result, of a list of results, or of a network."""
    if isinstance(made, list):
        return [tensor for one in made for tensor in tensors_of(one)]
    found = made if isinstance(made, dict) else vars(made)
    return [found[name] for name in sorted(found) if isinstance(found[name], Tensor)]


def digest_of(name):
    """Of all that is made, with one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        digest = hashlib.sha256()
        for tensor in tensors_of(MADE[name]()):
            digest.update(tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().data)
        return digest.hexdigest()
    finally:
        torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def elsewhere():
    """The digests of another process."""
    code = OTHER.format(root=str(stress.ROOT))
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return dict(line.split(": ") for line in said.stdout.splitlines())


@pytest.mark.parametrize("name", MADE)
def test_the_same_seed_gives_the_same_bits_again_and_in_another_process(name, elsewhere):
    torch.rand(7)  # the state of the whole does not matter
    first = digest_of(name)
    assert digest_of(name) == first
    assert elsewhere[name] == first


SIZED = {
    "inf": {"fgsm": {}, "pgd": {}, "apgd": {}, "square": {}, "ensemble": {}, "blind": {},
            "noise": {}},
    "2": {"pgd": {}, "apgd": {}, "square": {}, "ensemble": {}, "noise": {}},
    "1": {"pgd": {}},
}  # fmt: skip
SIZES = {"inf": (0.001, 8 / 255, 0.3, 1.0), "2": (0.01, 0.5, 3.0), "1": (0.05, 1.0, 10.0)}


@pytest.mark.parametrize(
    ("norm", "name"), [(norm, name) for norm, names in SIZED.items() for name in names]
)
def test_no_change_is_larger_than_it_may_be(norm, name):
    """But for the rounding of each pixel, of which a norm adds up at most that of all pixels."""
    function, given = CALLS[name]
    longest = 0.0  # of those that change anything: a small one may fool nothing
    for size in SIZES[norm]:
        more = {"norm": norm} if "norm" in given else {}
        more["size" if name == "noise" else "epsilon"] = size
        found = function(**{**given, **more, "mask": None})
        change = (found.images.double() - IMAGES.double()).flatten(1)
        pixels = change.shape[1]
        room = {"inf": 1, "2": pixels**0.5, "1": pixels}[norm] * ROUNDING
        lengths = torch.linalg.vector_norm(change, float(norm), dim=1)
        assert float(lengths.max()) <= size * (1 + 1e-6) + room, size
        longest = max(longest, float(lengths.max()))
    assert longest > 0


@pytest.mark.parametrize("loss", ["cross-entropy", "margin", "dlr"])
@pytest.mark.parametrize("name", ["lenet", "fc100-100-10", "lenet-pgd"])
def test_many_steps_never_fool_fewer_than_one(name, loss):
    net = fk.models.load(name)
    images, labels = (part[:100] for part in fk.data.digits())
    for epsilon in (0.02, 0.05, 0.1, 0.2):
        one = fk.gradients.fgsm(net, images, labels, epsilon=epsilon, loss=loss)
        many = fk.gradients.pgd(
            net, images, labels, epsilon=epsilon, loss=loss, steps=10, random_start=False,
            progress=False,
        )  # fmt: skip
        assert int(many.success.sum()) >= int(one.success.sum()), epsilon


@pytest.mark.parametrize("family", ["direct", "cppn"])
def test_one_run_of_the_bank_is_bred_again(family):
    """Another one with every commit. What a run gives is stored as 8-bit images."""
    victim = ("lenet", "fc100-100-10")[stress.commits() % 2]
    run = stress.commits() // 2 % families.RUNS
    stored = read()
    prefix = f"{victim}/{family}/"
    rows = torch.from_numpy(stored[f"{prefix}run"] == run)
    seed = int(stored[f"{prefix}seed"][rows.numpy()][0])
    again = families.evolved(fk.models.load(victim), family, 1, seed, False)
    said = fk.models.predict(fk.models.load(victim), again["images"]).diagonal()
    before = torch.from_numpy(stored[f"{prefix}confidence"].astype("float32"))[rows]
    assert len(said) == len(before) == 10
    # a run stops when all are certain; else floats that differ may send it another way
    assert ((said > 0.99) == (before > 0.99)).sum() >= 8
    assert abs(float(said.median() - before.median())) < 0.05
