"""Any public function, any argument put wrong: a result, or an error that names the argument."""

import inspect
import math
import os
import re
import signal
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import foolkit as fk
from tests import stress
from tests.fuzz import calls, shown
from tests.fuzz.calls import LEFT_OUT, PATHS, public

resource = pytest.importorskip("resource", reason="limits of a process are those of Unix")
CALLS = calls.CALLS | shown.CALLS
SECONDS = 20  # of the processor, for one call
MEMORY = 3 * 2**30  # bytes more than there were
KINDS = (
    None, True, False, "", "x", "lenet", b"x", 1j, math.nan, math.inf, -math.inf, 0, -1, 1, 2, 3,
    0.5, -0.5, 1.5, 10**12, 2**70, -(2**70), 1e300, 10**400, (), [], {}, (1,), (1, 2), (1, 6, 6),
    (0, 6, 6), (10**6, 10**6, 10**6), [0.1, math.nan], [0.1, "x"], ["x"], {"a": 1}, {1, 2},
    object(), int, len, slice(3), np.float32(0.5), np.int64(2), np.zeros(3), np.array("x"),
    torch.tensor(0.5), torch.tensor(2), torch.tensor(True), torch.zeros(0), torch.zeros(0, 1, 6, 6),
    torch.zeros(2, 2), torch.full((6, 1, 6, 6), 0.5), torch.zeros(6, 3, 6, 6), torch.zeros(6),
    torch.zeros(6).long(), torch.zeros(1, 1, 6, 6).cfloat(), nn.Identity(),
    nn.Sequential(nn.Flatten(), nn.Linear(3, 2)), torch.Generator(), torch.device("meta"),
)  # fmt: skip


def put_nan(tensor):
    return _put(tensor, math.nan)


def put_infinity(tensor):
    return _put(tensor, math.inf)


def _put(tensor, value):
    changed = tensor.clone().float() if tensor.numel() else tensor
    if tensor.numel():
        changed.view(-1)[tensor.numel() // 2] = value
    return changed


OF_TENSORS = {
    "NaN in it": put_nan,
    "infinity in it": put_infinity,
    "negative": lambda t: -t.float() - 1,
    "of 255": lambda t: t * 255,
    "huge": lambda t: t.float() * 1e38,
    "double": lambda t: t.double(),
    "half": lambda t: t.half(),
    "bytes": lambda t: t.byte(),
    "integers": lambda t: t.long(),
    "int16": lambda t: t.short(),
    "truths": lambda t: t.bool(),
    "complex": lambda t: t.cfloat(),
    "none of it": lambda t: t[:0],
    "one of it": lambda t: t[:1],
    "one less": lambda t: t[:-1],
    "the first": lambda t: t[0],
    "one dimension more": lambda t: t[None],
    "the last dimension cut": lambda t: t[..., :-1],
    "no width": lambda t: t[..., :0],
    "twice the channels": lambda t: torch.cat([t, t], 1) if t.ndim > 1 else torch.cat([t, t]),
    "turned around": lambda t: t.transpose(0, -1),
    "flat": lambda t: t.reshape(-1),
    "sparse": lambda t: t.to_sparse(),
    "without content": lambda t: t.to("meta"),
    "of NumPy": lambda t: t.detach().numpy(),
    "a list": lambda t: t.tolist(),
    "with a gradient": lambda t: t.float().requires_grad_(),
    "constant": lambda t: torch.zeros_like(t),
}


CALLED = ("callback", "draw", "transform", "draws", "statistic", "mine")
# counts of what is done one after the other, in no more memory for more
ENDLESS = ("steps", "generations", "restarts", "samples", "search_steps", "queries", "resamples",
           "images", "permutations", "halvings", "draws", "candidates", "selecting",
           "passes")  # fmt: skip


# what the errors of some call an argument: what it is to who reads them
CALLED_THERE = {"labels_of_folders": "labels", "labels_of_table": "labels",
                "Forgeries": "forgeries", "Limit.parse": "fail-if"}  # fmt: skip


def is_long(value):
    """Whether it is a count that would take hours."""
    return isinstance(value, int) and value > 1000


@pytest.fixture(scope="module", autouse=True)
def elsewhere(tmp_path_factory):
    """Some of the words are taken for the path of a file to write."""
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("here"))
    yield
    os.chdir(before)


class Hang(BaseException):
    """Nothing of the toolkit catches it."""


@contextmanager
def limited():
    """So many seconds of the processor, and so much memory, or an error."""

    def stop(*_):
        raise Hang

    before = signal.signal(signal.SIGVTALRM, stop)
    bounds = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, bounds[1]))
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, bounds)


@st.composite
def wrong(draw):
    """The name of a call, that of an argument, and what is given for it."""
    name = draw(st.sampled_from(sorted(CALLS)))
    right = CALLS[name][1]
    argument = draw(st.sampled_from(sorted(right)))
    if isinstance(right[argument], Tensor) and draw(st.integers(0, 3)):
        how = draw(st.sampled_from(sorted(OF_TENSORS)))
        return name, argument, how, OF_TENSORS[how](right[argument])
    value = draw(st.sampled_from(KINDS))
    if callable(value) and argument in CALLED:
        value = None  # what a function of the caller's raises is the caller's
    if argument in ENDLESS and is_long(value):
        value = -1  # so many steps are allowed, and take what they take
    return name, argument, repr(value)[:60], value


def names_of(name):
    """Of the arguments of a call, and that of a network, which a detector was made with."""
    function, right = CALLS[name]
    return {"net", CALLED_THERE.get(name, name), *right, *inspect.signature(function).parameters}


def fault(name, argument, value):
    """What is wrong with how a call takes a wrong argument; None: nothing."""
    function, right = CALLS[name]
    torch.manual_seed(0)
    with warnings.catch_warnings(record=True) as said, limited():
        warnings.simplefilter("always")
        try:
            found = function(**{**right, argument: value})
        except (TypeError, ValueError) as error:
            # of two arguments that do not fit each other either may be named
            if not re.match(rf"({'|'.join(names_of(name))})\b.*: ", str(error)):
                return f"no name: {type(error).__name__}: {error}"
            found = None
        except FloatingPointError as error:
            return None if re.match("net|source", str(error)) else f"FloatingPointError: {error}"
        except OSError as error:
            return None if argument in PATHS else f"{type(error).__name__}: {error}"
        except (Exception, Hang) as error:
            return f"{type(error).__name__}: {error}"
    odd = [w for w in said if not issubclass(w.category, UserWarning)]
    if odd or len(said) > 3:
        return f"{len(said)} warnings: {said[0].category.__name__}: {said[0].message}"
    images = getattr(found, "images", None)
    if isinstance(images, Tensor) and images.ndim == 4:
        bounded = images.is_meta or bool(((images >= -1e-6) & (images <= 1 + 1e-6)).all())
        if not bounded and right.get("clip", True) and value is not False:
            return "images that are not finite, or not in [0, 1]"
    if isinstance(found, float) and math.isnan(found):
        return "NaN"
    return None


def test_everything_public_is_called_or_left_out_for_a_reason():
    called = {inspect.unwrap(function) for function, _ in CALLS.values()}
    absent = {name for name, value in public(fk).items() if value not in called}
    left_out = [name for names in LEFT_OUT.values() for name in names.split()]
    assert absent == set(left_out)
    assert len(left_out) == len(set(left_out))


@settings(
    max_examples=stress.CASES * 3 // 5,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(wrong())
def test_a_wrong_argument_is_refused_by_name_or_understood(case):
    name, argument, how, value = case
    found = fault(name, argument, value)
    assert found is None, f"{name}({argument}: {how}): {found}"


@pytest.mark.parametrize("name", sorted(CALLS))
def test_the_arguments_that_one_is_put_wrong_of_are_right(name):
    function, right = CALLS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        function(**right)
