"""The door to a network: whatever it takes and returns, float32 images in and float32 logits out.

Networks of one's own are in half or double precision, or answer with a tuple, a dictionary or an
object with ``.logits``. Where what is meant is beyond doubt it is taken; else the error says which
line mends it.
"""

from __future__ import annotations

import math
import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from foolkit.checks import check_module

ADDS_TO_ONE = 1e-3  # how nearly, for an answer to count as probabilities
MEMORY = ("out of memory", "allocate memory", "cuda error")  # no fault of the images
SAME = 1e-3  # of the largest logit: what two passes over one image may differ by

ONE_LOGIT = (
    "a network with one logit z an image has two classes: Classifier(net, classes=2, ...) takes it,"
    " or return torch.cat([-z, z], 1) / 2, whose softmax is the sigmoid of z"
)


def dtype_of(net: nn.Module) -> torch.dtype | None:
    """The type of the network's floating-point weights; None if it has none."""
    for tensor in chain(net.parameters(), net.buffers()):
        if tensor.is_floating_point():
            return tensor.dtype
    return None


def same_answer(net: nn.Module) -> float:
    """How far two confidences of one image may be apart, of one network at other batch sizes."""
    return 1e-3 if dtype_of(net) in (None, torch.float32, torch.float64) else 5e-2


def logits_of(answer: Any) -> Tensor:
    """The logits, float32, in what a network returned.

    A tensor; ``.logits`` or ``["logits"]``; or the only tensor ``[N, K]`` of a tuple, list or
    dictionary.

    Raises:
        TypeError: none of these.
    """
    if isinstance(answer, Tensor):
        return answer.float()
    named = answer.get("logits") if isinstance(answer, Mapping) else None
    named = getattr(answer, "logits", named)
    if isinstance(named, Tensor):
        return named.float()
    parts = answer.values() if isinstance(answer, Mapping) else answer
    if isinstance(answer, (Mapping, tuple, list)):
        tables = [part for part in parts if isinstance(part, Tensor) and part.ndim == 2]
        if len(tables) == 1:
            return tables[0].float()
    raise TypeError(
        "net: expected logits [N, K], or an answer with one such tensor or with .logits, got"
        f" {type(answer).__name__}: wrap the network in a module whose forward returns its logits"
    )


def two_of_one(logits: Tensor) -> Tensor:
    """``[N, 2]`` of one logit an image: its sigmoid is the softmax of the second."""
    logits = logits.view(-1, 1)
    return torch.cat([-logits, logits], 1) / 2


def check_table(logits: Tensor, n: int) -> None:
    """Raise ``ValueError`` unless the logits of ``n`` images are ``[n, K]``, K of at least two."""
    if logits.ndim != 2 or len(logits) != n or logits.shape[1] < 2:
        one = f"; {ONE_LOGIT}" if logits.numel() == n else ""
        raise ValueError(
            "net: expected logits [N, K], a row for each image, K >= 2,"
            f" got {list(logits.shape)} for {n}{one}"
        )


@contextmanager
def evaluating(net: nn.Module) -> Iterator[nn.Module]:
    """Evaluation mode inside the block; afterwards every module has the mode it had.

    Sets the flags itself, since programs from ``torch.export`` refuse ``.eval()``; a module with
    a ``train`` of its own is told by it, since more than the flag may hang on it. A frozen
    program of TorchScript has no flag.

    Raises:
        TypeError: no module.
    """
    check_module(net)
    modes = [(module, module.training) for module in net.modules() if hasattr(module, "training")]
    told = [m for m, training in modes if training and type(m).train is not nn.Module.train]

    def tell(training: bool) -> None:
        for module in told:
            with suppress(NotImplementedError):
                module.train(training)

    try:
        tell(False)
        for module, _ in modes:
            module.training = False
        yield net
    finally:
        tell(True)
        for module, training in modes:
            module.training = training


def answer(net: nn.Module, images: Tensor) -> Tensor:
    """Float32 logits ``[N, K]`` of float32 images, whatever precision the network has.

    Raises:
        TypeError: an answer without logits.
        ValueError: images that the network does not take.
    """
    return logits_of(passed(net, images.to(dtype_of(net) or images.dtype)))


def passed(net: nn.Module, images: Tensor) -> Any:
    """What the network returns; what PyTorch says of images of another shape is said of them.

    Raises:
        ValueError: images that the network does not take.
    """
    try:
        return net(images)
    except (RuntimeError, IndexError) as error:
        if any(words in str(error).lower() for words in MEMORY) or not _of_pytorch(error):
            raise
        raise ValueError(
            f"net: expected one that takes images {list(images.shape)} on {images.device}; it says:"
            f" {error}"
        ) from error


def finite_answer(net: nn.Module, images: Tensor) -> Tensor:
    """As ``answer``, of which each is a number: the largest of NaNs would be class 0.

    Raises:
        TypeError, ValueError: as of ``answer`` and ``check_table``.
        FloatingPointError: NaN or infinite logits; reads them, so that a GPU is waited for.
    """
    logits = answer(net, images)
    check_table(logits, len(images))
    odd = ~logits.isfinite().all(1)
    if bool(odd.any()):
        raise FloatingPointError(
            "net: expected finite logits, got NaN or infinity for"
            f" {int(odd.sum())} of {len(images)} images (the first is number"
            f" {int(odd.int().argmax())} of these)"
        )
    return logits


def _of_pytorch(error: Exception) -> bool:
    """Whether a layer of PyTorch (or of ours, or of an exported graph) raised it.

    What a network of the caller's raises itself, on purpose, is the caller's.
    """
    last = traceback.extract_tb(error.__traceback__)[-1].filename
    ours = {Path(torch.__file__).parent, Path(__file__).parents[1]}
    return last.startswith("<") or bool(ours & set(Path(last).parents))


class Plain(nn.Module):
    """A network behind its door, with the name, shape and classes that it has."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        for name in ("name", "input_shape", "classes"):
            if hasattr(module, name):
                setattr(self, name, getattr(module, name))

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, K]``, float32."""
        return answer(self.module, images)


def checked(net: nn.Module, images: Tensor) -> nn.Module:
    """The network as a routine may call it: itself, or ``Plain`` where that is needed.

    Looks twice, in evaluation mode, at a few images and at one of noise: a network that divides
    by an image's own deviation has no answer to a plain one, and is none the worse for it.

    Args:
        net: any module.
        images: float32 ``[N, C, H, W]``, a few.

    Raises:
        TypeError: no module, or an answer without logits.
        ValueError: other logits than ``[N, K]``, K of at least two; a network that writes into
            its input, or answers the same images differently a second time.
        FloatingPointError: no logits that are finite, of any of them.

    Warns:
        UserWarning: the answers look like probabilities, that is, the network ends in a softmax.
    """
    check_module(net)
    draws = torch.Generator("cpu").manual_seed(0)  # the same noise on every device
    noise = torch.rand((1, *images.shape[1:]), generator=draws, device="cpu")
    shown = torch.cat([images, noise.to(images)])
    given = shown.clone()
    with torch.no_grad(), evaluating(net):
        said = passed(net, given.to(dtype_of(net) or given.dtype))
        logits = logits_of(said)
        if not torch.equal(given, shown):
            raise ValueError(
                "net: expected a network that leaves its input alone, this one writes into it:"
                " replace x.sub_(mean) and its like by x = x - mean"
            )
        check_table(logits, len(shown))
        again = answer(net, shown.clone())
    finite = logits.isfinite().all(1)
    if not finite.any():
        raise FloatingPointError("net: expected finite logits, got NaN or infinity")
    logits, again = logits[finite], again[finite]
    if not (again - logits).abs().max() <= SAME * logits.abs().max().clamp_min(1):
        raise ValueError(
            "net: expected the same answer to the same images, a second pass differs by"
            f" {float((again - logits).abs().max()):.2g}: is there a dropout or noise that"
            " .eval() does not turn off?"
        )
    if (logits >= 0).all() and ((logits.sum(1) - 1).abs() < ADDS_TO_ONE).all():
        warnings.warn(
            "net: its answers are positive and add up to one, so they look like probabilities;"
            " logits are expected. Leave out the last softmax, or say outputs='probabilities' to"
            " Classifier, to load or on the command line",
            stacklevel=4,
        )
    plain = isinstance(said, Tensor) and dtype_of(net) in (None, torch.float32)
    return net if plain else Plain(net)


def mean_answer(answers: Tensor) -> Tensor:
    """Logits ``[N, K]`` whose softmax is the mean of those of ``answers`` ``[C, N, K]``.

    ``log p_k = logsumexp_c(log_softmax(z_c)_k) - log C`` of the logits ``z_c`` of C looks.
    """
    return answers.log_softmax(2).logsumexp(0) - math.log(len(answers))
