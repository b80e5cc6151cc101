"""Attacks the samples of ``$FOOLKIT_DATA``: ``python -m tools.bank.photographs``, a minute."""

from __future__ import annotations

from foolkit.bank import photographs
from foolkit.data import sample_photographs
from foolkit.models import imagenet, squeezenet
from tools.bank import program


def main() -> None:
    """Command line: measure again."""
    parser = program.options("photographs", __doc__)
    chosen = parser.parse_args()
    nets = imagenet()
    net = nets.pop(squeezenet.NAME)
    images, labels = sample_photographs(net.input_shape)
    if labels is None:
        parser.error("expected labelled samples in $FOOLKIT_DATA/imagenet/samples, found none")
    found = photographs.flags(net, images, labels, nets)
    program.write(chosen.out, photographs.FILE, {n: flag.numpy() for n, flag in found.items()})
    for name, flag in photographs.stored().items():
        print(f"{name}: {float(flag.float().mean()):.2f} of {len(flag)}")


if __name__ == "__main__":
    main()
