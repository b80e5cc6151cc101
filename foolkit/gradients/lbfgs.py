"""The first adversarial examples: box-constrained L-BFGS (Szegedy et al. 2013)."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from foolkit.checks import check_count, check_number
from foolkit.gradients.problem import CHUNK, Flat, Objective, Problem, attacking, gradient
from foolkit.gradients.result import Perturbed, perturbed
from foolkit.progress import progress_bar

PAIRS = 8  # remembered pairs of steps and changes of the gradient
GROWTH = 4.0  # factor of c until it is bracketed
RANGE = GROWTH**10  # from the first c, up and down: beyond, the search gives up
FLAT = 1e-3  # a smaller relative decrease ends a minimisation
DECREASE = 1e-4  # share of the predicted decrease that a step has to bring (Armijo)
TRIES = 6  # of one step, each four times shorter, before the minimisation ends


def lbfgs(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    targeted: bool = False,
    mask: Tensor | None = None,
    tolerance: float = 0.05,
    steps: int = 30,
    chunk: int = CHUNK,
    progress: bool = True,
) -> Perturbed:
    """Szegedy's small perturbations (Szegedy et al. 2013, section 4.1), all images at once.

    Minimise ``c |r|^2 + loss(x + r, l)`` subject to ``x + r`` in [0, 1], by L-BFGS within the
    box, for the c that makes r smallest. The search over c looks for the *largest* c whose
    minimiser is still classified as ``l``: the larger the weight of the penalty, the smaller r.
    (The paper asks for the minimum c > 0, which by its own formula would make r largest.) Of
    all fooling images that the search meets, the one nearest to ``x`` is returned.

    Where the paper leaves a choice:

    * ``|r|`` is squared, since it has no gradient at r = 0, where the search begins; both
      penalties have the same minimisers, at different c.
    * ``loss`` is the cross-entropy of the goal. Untargeted, the goal is any class but the label:
      ``-log(1 - p_label)``.
    * The first c is what a linear network would need, ``|g|^2 / (4 loss)`` with the gradient g at
      ``x``. It grows or shrinks by 4 until the largest that succeeds is bracketed, then the
      bracket is halved (geometrically). Each minimisation starts where the last one ended, or
      after a failure at the best image so far.

    Every image has its own c, its own step length and its own history of L-BFGS; one pass of the
    network serves all of them, and images that are done leave the batch.

    Args:
        net: any module from images in [0, 1] to logits ``[N, K]``.
        images: float32 ``[N, C, H, W]`` in [0, 1], on the network's device.
        labels: int64 ``[N]``, the true classes, or the goals if ``targeted``.
        targeted: make the labels the goal.
        mask: bool, broadcast to the images: True where a pixel may change.
        tolerance: the search ends when c is bracketed to this relative width.
        steps: most steps of one minimisation.
        chunk: images of one pass.
        progress: show a bar if it takes longer than a second.

    Returns:
        The result; an image for which no c succeeded is returned as it was.

    Raises:
        TypeError, ValueError: an argument that does not fit.

    Warns:
        UserWarning: images whose gradient is exactly zero.
    """
    problem = Problem.checked(net, images, labels, targeted, mask)
    check_number(tolerance, "tolerance", above=0)
    check_count(steps, "steps")
    chunk = check_count(chunk, "chunk")
    total, flat = len(problem), Flat()
    with attacking(problem.net), progress_bar(total, "images", progress=progress) as bar:
        best, queries = torch.empty_like(problem.images), torch.empty_like(problem.labels)
        for rows in torch.arange(total, device=images.device).split(chunk):
            search = _Search.begin(problem[rows], rows)
            flat.look(search.slope, search.fools)
            while len(search.row):
                search.step(steps)
                done = search.done(tolerance)
                finished = int(done.sum())
                if finished:
                    gone = search.row[done]
                    best[gone] = problem.images[gone] + search.best[done].view_as(best[gone])
                    queries[gone] = search.queries[done]
                    search.keep(~done)
                    bar.update(finished)
    flat.warn(total)
    return perturbed(problem, best, queries, chunk)


@dataclass
class _Search:
    """The searches of a batch, one row an image; pixels are flat, ``[N, D]``."""

    problem: Problem
    row: Tensor  # the place of the image among all
    low: Tensor  # bounds of r
    high: Tensor
    change: Tensor  # r, where the minimisation stands; at this point:
    loss: Tensor
    slope: Tensor  # gradient of the loss
    fools: Tensor
    c: Tensor
    first: Tensor  # the c that the search began with
    works: Tensor  # the largest c known to succeed; 0: none
    fails: Tensor  # the smallest c known to fail; infinite: none
    length: Tensor  # of the next step, in units of the L-BFGS direction
    taken: Tensor  # steps of this minimisation
    rejected: Tensor  # trials of this step
    best: Tensor  # the shortest r that fools; there:
    best_norm: Tensor  # infinite if none has been found
    best_loss: Tensor
    best_slope: Tensor
    pairs: Tensor  # [N, 2 PAIRS, D]: steps, then changes of the slope; zeros are no pair
    queries: Tensor
    iteration: int = 0

    @classmethod
    def begin(cls, problem: Problem, row: Tensor) -> _Search:
        """At r = 0, which is the result already where the network is wrong anyway."""
        low, high = (bound.flatten(1) for bound in problem.bounds())
        logits, loss, slope = gradient(problem.net, problem.images, goal_loss(problem))
        slope, fools, zero = slope.flatten(1), problem.fooled(logits), torch.zeros_like(loss)
        movable = slope * ~_held(slope, zero[:, None], low, high)
        c = (movable.square().sum(1) / (4 * loss)).clamp(1e-6, 1e6)
        return cls(
            problem=problem,
            row=row,
            low=low,
            high=high,
            change=torch.zeros_like(slope),
            loss=loss,
            slope=slope,
            fools=fools,
            c=c,
            first=c,
            works=torch.where(fools, torch.inf, zero),
            fails=torch.full_like(zero, torch.inf),
            length=torch.ones_like(zero),
            taken=torch.zeros_like(row),
            rejected=torch.zeros_like(row),
            best=torch.zeros_like(slope),
            best_norm=torch.where(fools, zero, torch.inf),
            best_loss=loss,
            best_slope=slope,
            pairs=slope.new_zeros((len(row), 2 * PAIRS, slope.shape[1])),
            queries=torch.ones_like(row),
        )

    def keep(self, rows: Tensor) -> None:
        """Only these rows."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "iteration":
                setattr(self, field.name, value[rows])

    def done(self, tolerance: float) -> Tensor:
        """``[N]``: c is known well enough, or no c will do."""
        known = self.fails <= self.works * (1 + tolerance)
        lost = ~self.c.isfinite()  # a gradient of NaN: nothing can be known
        return known | lost | (self.c * RANGE < self.first) | (self.c > self.first * RANGE)

    def step(self, steps: int) -> None:
        """One pass of the network: try a step of every image, take those that descend."""
        trial = self.change + self.length[:, None] * self.direction()
        trial = torch.clamp(trial, self.low, self.high)
        images = self.problem.images + trial.view_as(self.problem.images)
        logits, loss, slope = gradient(self.problem.net, images, goal_loss(self.problem))
        slope, fools = slope.flatten(1), self.problem.fooled(logits)
        self.queries += 1

        norm = torch.linalg.vector_norm(trial, dim=1)
        nearer = fools & (norm < self.best_norm)
        self.best = torch.where(nearer[:, None], trial, self.best)
        self.best_slope = torch.where(nearer[:, None], slope, self.best_slope)
        self.best_loss = torch.where(nearer, loss, self.best_loss)
        self.best_norm = torch.where(nearer, norm, self.best_norm)

        moved = trial - self.change
        predicted = torch.linalg.vecdot(self.slope + 2 * self.c[:, None] * self.change, moved)
        before = self.loss + self.c * self.change.square().sum(1)
        after = loss + self.c * norm.square()
        taken = after <= before + DECREASE * predicted.clamp(max=0)
        self.remember(torch.where(taken[:, None], moved, 0), slope - self.slope)
        self.change = torch.where(taken[:, None], trial, self.change)
        self.slope = torch.where(taken[:, None], slope, self.slope)
        self.loss = torch.where(taken, loss, self.loss)
        self.fools = torch.where(taken, fools, self.fools)
        self.taken += 1
        self.rejected = torch.where(taken, 0, self.rejected + 1)
        self.length = torch.where(taken, 1, self.length / 4)

        flat = taken & (before - after <= FLAT * before)
        self.next_c(flat | (self.taken >= steps) | (self.rejected >= TRIES))

    def next_c(self, ended: Tensor) -> None:
        """Where a minimisation has ended, draw the bracket closer and choose the next c."""
        self.works = torch.where(ended & self.fools, self.c, self.works)
        self.fails = torch.where(ended & ~self.fools, self.c, self.fails)
        middle = (self.works * self.fails).sqrt()
        c = torch.where(self.fails.isinf(), self.c * GROWTH, middle)
        c = torch.where(self.works == 0, self.c / GROWTH, c)
        self.c = torch.where(ended, c, self.c)
        again = ended & ~self.fools & self.best_norm.isfinite()
        self.change = torch.where(again[:, None], self.best, self.change)
        self.slope = torch.where(again[:, None], self.best_slope, self.slope)
        self.loss = torch.where(again, self.best_loss, self.loss)
        self.fools = self.fools | again
        self.taken = torch.where(ended, 0, self.taken)
        self.rejected = torch.where(ended, 0, self.rejected)
        self.length = torch.where(ended, 1, self.length)

    def remember(self, moved: Tensor, bend: Tensor) -> None:
        """The pair takes the place of the oldest."""
        slot = self.iteration % PAIRS
        self.pairs[:, slot] = moved
        self.pairs[:, PAIRS + slot] = bend * (moved != 0).any(1, keepdim=True)
        self.iteration += 1

    def direction(self) -> Tensor:
        """``-H g`` ``[N, D]`` over the pixels that can move (Byrd, Nocedal and Schnabel 1994, 2.2).

        ``H = G + [S, G Y] [[R^-T (D + Y^T G Y) R^-1, -R^-T], [-R^-1, 0]] [S, G Y]^T`` with the
        steps S, the changes Y of the whole gradient, R the upper triangle of ``S^T Y`` and D its
        diagonal. ``G = 1/(2c)`` is the inverse Hessian of the penalty: exact in all directions
        along which the loss is straight. The pairs remember the loss alone, ``Y = Y_loss + 2c S``,
        so they outlive a change of c. Restricted to pixels not held by the box, the projected
        step descends (Bertsekas 1982).
        """
        two_c = 2 * self.c  # [N]
        g = self.slope + two_c[:, None] * self.change  # [N, D]
        free = ~_held(g, self.change, self.low, self.high)
        g = g * free
        oldest = self.iteration % PAIRS
        order = [(oldest + i) % PAIRS for i in range(PAIRS)]
        slots = order + [PAIRS + i for i in order]  # S, then Y of the loss, oldest first
        pairs = self.pairs[:, slots].mul_(free[:, None])  # [N, 2 PAIRS, D]
        gram = pairs @ pairs.mT  # [N, 2 PAIRS, 2 PAIRS]
        sg, yg = (pairs @ g[:, :, None]).chunk(2, 1)  # [N, PAIRS, 1] each
        ss, sy, yy = gram[:, :PAIRS, :PAIRS], gram[:, :PAIRS, PAIRS:], gram[:, PAIRS:, PAIRS:]
        t = two_c[:, None, None]  # [N, 1, 1]
        yy = yy + t * (sy + sy.mT) + t * t * ss  # [N, PAIRS, PAIRS], as ss and sy
        sy = sy + t * ss
        yg = yg + t * sg
        # pairs along which the gradient hardly rises would spoil H
        diagonal = sy.diagonal(dim1=1, dim2=2)  # [N, PAIRS]
        good = diagonal > 1e-3 * two_c[:, None] * ss.diagonal(dim1=1, dim2=2)
        good &= (self.rejected < TRIES // 2)[:, None]  # in trouble: along the gradient
        both = good[:, :, None] & good[:, None]  # [N, PAIRS, PAIRS]
        r = torch.where(both, sy, 0).triu_() + torch.diag_embed((~good).float())
        d = torch.diag_embed(torch.where(good, diagonal, 0))
        sg, yg = (torch.where(good[:, :, None], v, 0) for v in (sg, yg))
        p = torch.linalg.solve_triangular(r, sg, upper=True)  # [N, PAIRS, 1]
        q = (d + torch.where(both, yy, 0) / t) @ p - yg / t
        q = torch.linalg.solve_triangular(r.mT, q, upper=False)  # [N, PAIRS, 1]
        # [N, 2 PAIRS, 1], since G Y p = G Y_loss p + S p
        weights = torch.cat([q - p, -p / t], 1)
        return -(g / two_c[:, None] + (weights.mT @ pairs)[:, 0])


def _held(slope: Tensor, change: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Where a pixel stands at a bound and descent would leave the box."""
    return ((change <= low) & (slope > 0)) | ((change >= high) & (slope < 0))


def goal_loss(problem: Problem) -> Objective:
    """The cross-entropy of the goal: ``log sum_all exp Z - log sum_goal exp Z``, ``[N]``."""
    labels = problem.labels[:, None]

    def loss(logits: Tensor) -> Tensor:
        if problem.targeted:
            goal = logits.gather(1, labels)[:, 0]
        else:
            goal = logits.scatter(1, labels, -math.inf).logsumexp(1)
        return logits.logsumexp(1) - goal

    return loss
