"""OpenMax: a softmax with a class more, "unknown", for what lies far from every class.

Bendale and Boult (2016), who tried it on fooling images of networks of photographs.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from foolkit.analysis.detectors import Detector
from foolkit.checks import check_count, check_labels, check_module
from foolkit.models.door import answer


class OpenMax(Detector):
    """The log-odds of the most probable known class, after some of its evidence became "unknown".

    *Fitting* (the paper's algorithm 1): of each class the mean of the logits of the images that
    are read rightly, and a Weibull distribution of the ``tail`` largest distances from it.
    *Scoring* (algorithm 2): each of the ``alpha`` largest logits z loses the share
    ``(alpha - rank) / alpha * F(d)``, where F is its class's distribution at the image's distance
    d and the rank of the largest is 0; the sum of what was lost is the logit of "unknown". The
    score is ``log(p / (1 - p))`` of the largest p of a known class. The paper refuses where p lies
    below a threshold, and where "unknown" is likelier than p; here the threshold decides alone.

    F is the distribution function, so that what lies far away loses most, as in the authors'
    program (OSDN). Deviations from it: the Weibull distributions begin at 0, where it lets a
    library choose; distances are Euclidean, where it adds the cosine distance to a two-hundredth
    of that; and the images to fit with are not those that the network learned from.

    Args:
        net: to logits.
        tail: distances of each class that a distribution is fitted to; the paper's choice is 20.
        alpha: logits that are revised; the paper takes 10 of 1,000. At most the number of classes.
    """

    def __init__(self, net: nn.Module, *, tail: int = 20, alpha: int = 3) -> None:
        check_module(net)
        super().__init__(net)
        check_count(tail, "tail", minimum=2)
        check_count(alpha, "alpha")
        self.tail, self.alpha = tail, alpha
        for name in ("means", "shapes", "scales"):
            self.register_buffer(name, None)

    def rate(self, images: Tensor, logits: Tensor, features: Tensor) -> Tensor:
        means, shapes, scales = map(self._known, ("means", "shapes", "scales"))
        z = logits.float()
        top, classes = z.topk(self.alpha, 1)
        distance = torch.linalg.vector_norm(z[:, None] - means[classes], dim=2)
        far = -torch.expm1(-((distance / scales[classes]) ** shapes[classes]))
        rank = torch.arange(self.alpha, device=z.device)
        lost = top * far * (self.alpha - rank) / self.alpha
        known = z.scatter_add(1, classes, -lost)
        first, rest = known.sort(1, descending=True).values.split([1, z.shape[1] - 1], 1)
        unknown = lost.sum(1, keepdim=True)
        return first[:, 0] - torch.cat([rest, unknown], 1).logsumexp(1)

    def _fit(self, images: Tensor, labels: Tensor | None) -> None:
        from scipy.stats import weibull_min

        if labels is None:
            raise TypeError(f"labels: expected an int64 tensor of {len(images)} classes, got None")
        assert self.net is not None  # its constructor wants one
        logits = torch.cat([answer(self.net, part) for part in images.split(500)]).float()
        count = logits.shape[1]
        check_labels(labels, len(images), count)
        if self.alpha > count:
            raise ValueError(f"alpha: expected at most {count}, the classes, got {self.alpha}")
        means, fits = [], []
        for k in range(count):
            own = logits[(labels == k) & (logits.argmax(1) == k)]
            if len(own) < self.tail:
                raise ValueError(
                    f"images: expected at least {self.tail} (tail) of each class that are read"
                    f" rightly, got {len(own)} of class {k}"
                )
            means.append(own.mean(0))
            distance = torch.linalg.vector_norm(own - means[-1], dim=1)
            largest = distance.topk(self.tail).values.double().cpu().numpy()
            shape, _, scale = weibull_min.fit(largest, floc=0)
            fits.append((shape, scale))
        self.means = torch.stack(means)
        self.shapes, self.scales = torch.tensor(fits).to(logits).T.contiguous()
