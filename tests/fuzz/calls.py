"""Public functions, each with arguments that are right: of these one is put wrong."""

import inspect
import tempfile
from functools import wraps
from pathlib import Path

import torch
from PIL import Image
from sklearn.tree import DecisionTreeClassifier
from torch import nn

import foolkit as fk
from foolkit import analysis as a
from foolkit import gradients as g
from foolkit.models.faces import load_face_net

SHAPE = (1, 6, 6)


def network(classes=4):
    """A small one, which is not sure of anything."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 12), nn.Tanh(), nn.Linear(12, classes)).eval()


torch.manual_seed(1)
NET = network()
NAMED = fk.models.Classifier(network(), input_shape=SHAPE, classes=4, name="small")
IMAGES, MORE = torch.rand(6, *SHAPE), torch.rand(5, *SHAPE)
LABELS = torch.tensor([0, 1, 2, 3, 0, 1])
MASK = torch.rand(1, 1, 6, 6) > 0.3
TREE = DecisionTreeClassifier().fit(IMAGES.flatten(1).numpy(), LABELS.numpy())
SCORES, OTHERS = torch.rand(12), torch.rand(9)
GROUPS, RUNS = torch.arange(12) % 3, torch.arange(12) % 4
RIGHT = torch.rand(12) > 0.4
LARGE = torch.rand(3, 1, 28, 28)
MANY, MOTIFS = torch.rand(100, *SHAPE), torch.rand(4, 2, 1, 3, 3)
QUARTERS = nn.Sequential(nn.Flatten(), nn.Linear(36, 4, bias=False)).eval()  # the brightest one
QUARTERS[1].weight.data = torch.eye(4).repeat_interleave(9, 1)
SAID = QUARTERS(MANY).argmax(1)
BORN, PIXELS = fk.encodings.CPPN(SHAPE), fk.encodings.Pixels(SHAPE)
PHOTOS = tempfile.TemporaryDirectory()
Image.new("L", (9, 9), 99).save(f"{PHOTOS.name}/a.png")
Path(PHOTOS.name, "labels.csv").write_text("a.png,a\n")
GIVEN = {"net": NET, "images": IMAGES, "labels": LABELS}
ATTACK = {**GIVEN, "targeted": False, "mask": MASK, "chunk": 4}
QUIET = {"progress": False}
DRAWN = torch.Generator().manual_seed(0)
FOUND = g.fgsm(NET, IMAGES, LABELS, epsilon=0.1)
REPEATS = a.tiled_repeats(3, 4, (7, 7))
ELITES = fk.evolve(NET, PIXELS, generations=1, batch=8, progress=False)
MISTAKES = [a.mistakes(torch.rand(6, 4), LABELS), a.mistakes(torch.rand(6, 4), LABELS)]
WAYS = a.random_directions(4, SHAPE).view(2, 2, *SHAPE)
# three of six are right
LOGITS = torch.nn.functional.one_hot(torch.tensor([0, 1, 2, 0, 1, 2]), 4).float()


def fitted(detector, *given):
    detector.fit(*given)
    return detector


def through(public, call):
    """A call of something public that takes more than keywords, or does nothing when it is made."""
    return wraps(public)(call)


def public(module, name=""):
    """What is public of a module, and of the modules that are public in it, and takes arguments.

    By name; what has two is there under the first of them.
    """
    listed = getattr(module, "__all__", None) or [
        own for own, value in vars(module).items()
        if not own.startswith("_") and getattr(value, "__module__", "") == module.__name__
    ]  # fmt: skip
    found = {}
    for own in listed:
        value, called = getattr(module, own), f"{name}.{own}".strip(".")
        if inspect.ismodule(value):
            more = public(value, called)
        elif inspect.isclass(value) or inspect.isroutine(value):
            more = {called: inspect.unwrap(value)} if inspect.signature(value).parameters else {}
        else:
            more = {}
        found |= {name: one for name, one in more.items() if one not in found.values()}
    return found


def _mean(values):
    return float(values.double().mean())


CALLS = {
    "fgsm": (g.fgsm, {**ATTACK, "epsilon": 0.1, "loss": "margin", "clip": True}),
    "pgd": (g.pgd, {**ATTACK, **QUIET, "epsilon": 0.1, "norm": "inf", "loss": "dlr", "steps": 3,
                    "step_size": 0.03, "random_start": True, "restarts": 2, "seed": 0,
                    "samples": 1}),
    "pgd, L2": (g.pgd, {**ATTACK, **QUIET, "epsilon": [0.3, 0.5], "norm": "2", "steps": 3}),
    "pgd, L1": (g.pgd, {**ATTACK, **QUIET, "epsilon": 1.0, "norm": "1", "steps": 3}),
    "apgd": (g.apgd, {**ATTACK, **QUIET, "epsilon": 0.1, "norm": "2", "loss": "margin",
                      "steps": 4, "restarts": 2, "seed": 0, "samples": 1}),
    "square": (g.square, {**ATTACK, **QUIET, "epsilon": 0.1, "norm": "inf", "steps": 5,
                          "first": 0.5, "seed": 0}),
    "deepfool": (g.deepfool, {**ATTACK, **QUIET, "norm": "2", "steps": 4, "overshoot": 0.02,
                              "candidates": 2, "finalists": 1}),
    "fmn": (g.fmn, {**ATTACK, **QUIET, "norm": "2", "steps": 4, "step_size": 1.0}),
    "lbfgs": (g.lbfgs, {**ATTACK, **QUIET, "tolerance": 0.5, "steps": 4}),
    "carlini_wagner": (g.carlini_wagner, {**ATTACK, **QUIET, "kappa": 0.1, "initial_c": 1.0,
                                          "search_steps": 2, "steps": 4, "learning_rate": 0.1,
                                          "abort_early": True}),
    "ensemble": (g.ensemble, {**ATTACK, **QUIET, "epsilon": 0.1, "norm": "inf", "steps": 3,
                              "queries": 4, "goals": 2, "seed": 0}),
    "few_pixels": (g.few_pixels, {**ATTACK, **QUIET, "pixels": 2, "population": 6,
                                  "generations": 2, "weight": 0.5, "seed": 0}),
    "every_pixel": (g.every_pixel, {"net": NET, "images": IMAGES, "labels": LABELS, **QUIET,
                                    "values": [0.0, 1.0], "targeted": False, "chunk": 50}),
    "universal": (g.universal, {"net": NET, "images": IMAGES, "labels": LABELS, **QUIET,
                                "epsilon": 0.1, "norm": "inf", "passes": 2, "batch": 4,
                                "step_size": 0.05, "loss": "margin", "targeted": False,
                                "seed": 0}),
    "patch": (g.patch, {"net": NET, "images": IMAGES, "labels": LABELS, **QUIET, "target": 1,
                        "size": 3, "shape": "disc", "turn": 20.0, "scales": (0.8, 1.2),
                        "steps": 2, "batch": 3, "step_size": 0.05, "loss": "margin", "seed": 0}),
    "blind": (g.blind, {**ATTACK, "epsilon": 0.2, "generations": 3, "seed": 0}),
    "noise": (g.noise, {**ATTACK, "size": 0.2, "norm": "2", "kind": "gaussian", "clip": True,
                        "seed": 0}),
    "for_files": (g.for_files, {"net": NET, "found": FOUND, "most": 3.0, "chunk": 4}),
    "ascent": (g.ascent, {**QUIET, "net": NET, "goals": LABELS, "start": "noise", "shape": SHAPE,
                          "objective": "logit", "threshold": 0.9, "steps": 4, "step_size": 0.1,
                          "decay": 0.01, "blur": 0.5, "seed": 0, "chunk": 4}),
    "evolve, pixels": (fk.evolve, {**QUIET, "net": NET, "encoding": PIXELS, "generations": 2,
                                   "until": 0.9, "batch": 8, "seed": 0, "precision": "float32",
                                   "callback": None, "checkpoint": None}),
    "evolve, cppn": (fk.evolve, {**QUIET, "net": NAMED, "encoding": BORN, "generations": 2,
                                 "batch": 8, "seed": 0, "precision": "bfloat16"}),
    "Pixels": (fk.encodings.Pixels, {"shape": SHAPE, "rate": 0.1, "eta": 15.0, "halve_every": 10,
                                     "crossover": 0.1, "eta_crossover": 10.0}),
    "CPPN": (fk.encodings.CPPN, {"shape": SHAPE, "inputs": "unit", "colour": "hsv",
                                 "max_hidden": 8, "max_links": 40, "weight_rate": 0.1,
                                 "eta": 15.0, "weight_limit": 10.0}),
    "Pixels.sample": (PIXELS.sample, {"n": 3, "generator": DRAWN}),
    "Pixels.vary": (PIXELS.vary, {"parents": PIXELS.sample(3, DRAWN), "generator": DRAWN,
                                  "generation": 2}),
    "Pixels.render": (PIXELS.render, {"genomes": PIXELS.sample(3, DRAWN)}),
    "CPPN.sample": (BORN.sample, {"n": 3, "generator": DRAWN}),
    "CPPN.vary": (BORN.vary, {"parents": BORN.sample(3, DRAWN), "generator": DRAWN,
                              "generation": 2}),
    "CPPN.render": (BORN.render, {"genomes": BORN.sample(3, DRAWN)}),
    "predict": (fk.models.predict, {"net": NET, "images": IMAGES, "chunk": 4}),
    "Classifier": (fk.models.Classifier, {"module": NET, "input_shape": SHAPE, "classes": 4,
                                          "name": "a", "mean": 0.5, "std": 0.5,
                                          "pixel_range": (0, 255), "channels": "RGB",
                                          "layout": "NCHW", "outputs": "logits"}),
    "load": (fk.models.load, {"source": NET, "device": "cpu", "classes": 4, "input_shape": SHAPE,
                              "name": "a", "mean": 0.5, "std": 0.5, "pixel_range": (0, 1),
                              "channels": "RGB", "layout": "NCHW", "outputs": "logits",
                              "trust": False}),
    "load, shipped": (fk.models.load, {"source": "lenet", "device": "cpu", "trust": False}),
    "card": (fk.models.card, {"name": "lenet"}),
    "cropped": (fk.models.cropped, {"net": NAMED, "size": 8, "crops": 10, "chunk": 10}),
    "disguised": (fk.models.disguised, {"net": NAMED, "kind": "rounded"}),
    "enlarged": (fk.models.enlarged, {"net": NAMED, "times": 2}),
    "frozen": (fk.models.frozen, {"net": NAMED, "samples": 2, "seed": 0}),
    "transformed": (fk.models.transformed, {"net": NAMED, "transform": fk.transforms.Shift(1),
                                            "samples": 2, "seed": 0}),
    "refusing": (fk.models.refusing, {"net": NAMED}),
    "nearest_digits": (fk.models.nearest_digits, {
        "images": torch.cat([LARGE, LARGE]), "labels": torch.arange(3).repeat(2),
                                                  "read": "score", "share": 0.9}),
    "pedestrian": (fk.models.pedestrian, {"channels": 1}),
    "RBF": (fk.models.RBF, {"read": "score", "per_class": 2, "classes": 3}),
    "LeNet": (fk.models.LeNet, {"classes": 10, "rectified": False}),
    "accuracy_refusing": (a.accuracy_refusing, {"confidence": SCORES, "right": RIGHT,
                                                "refused": (0.0, 0.5)}),
    "acceptance_threshold": (a.acceptance_threshold, {"scores": SCORES, "accepted": 0.9}),
    "accidents": (a.accidents, {**QUIET, "net": NAMED, "images": 10, "least": 0.9, "seed": 0,
                                "chunk": 5, "draws": {"u": lambda n, q: torch.rand(
                                    n, *SHAPE, generator=q)}}),
    "activations": (a.activations, {"net": NET, "images": IMAGES, "layers": ["1"], "chunk": 4}),
    "answers_along_rays": (a.answers_along_rays, {"net": NET, "start": IMAGES[:2],
                                                  "directions": a.random_directions(2, SHAPE),
                                                  "lengths": [0.1, 1.0], "chunk": 4}),
    "bend_from_tangent": (a.bend_from_tangent, {"net": NET, "start": IMAGES[:2],
                                                "directions": a.random_directions(2, SHAPE),
                                                "lengths": [0.1, 1.0], "chunk": 4}),
    "answers_on_plane": (a.answers_on_plane, {"net": NET, "centre": IMAGES[:1],
                                              "first": IMAGES[1:2] - IMAGES[:1],
                                              "second": IMAGES[2:3] - IMAGES[:1],
                                              "across": (-1.0, 1.0), "along": (-1.0, 1.0),
                                              "points": 5, "chunk": 10}),
    "auroc": (a.auroc, {"inside": SCORES, "outside": OTHERS}),
    "autocorrelation": (a.autocorrelation, {"images": LARGE, "axis": 2}),
    "bootstrap": (through(a.bootstrap, lambda samples, **more: a.bootstrap(
        _mean, samples, **more)), {"samples": SCORES, "resamples": 20, "level": 0.9,
                                   "paired": True, "seed": 0}),
    "calibration_error": (a.calibration_error, {"confidence": SCORES, "right": RIGHT, "bins": 5}),
    "calibration_error_by_chance": (a.calibration_error_by_chance, {
        "confidence": SCORES, "resamples": 20, "bins": 5, "seed": 0}),
    "certified_in_box": (a.certified_in_box, {**GIVEN, "epsilon": 0.1, "chunk": 4}),
    "class_means": (a.class_means, {"images": IMAGES, "labels": LABELS, "classes": 4}),
    "class_scores": (a.class_scores, {"net": NET, "images": IMAGES, "reading": "softmax",
                                      "chunk": 4}),
    "class_shares": (a.class_shares, {**QUIET, "net": NET, "draw": "uniform", "images": 10,
                                      "levels": (0.0, 0.5), "shape": SHAPE, "seed": 0,
                                      "chunk": 5}),
    "compressed_size": (a.compressed_size, {"images": IMAGES}),
    "cut_tiles": (a.cut_tiles, {"images": IMAGES, "grid": 2, "crop": False}),
    "discs": (a.discs, {"pictures": IMAGES, "size": 0.5}),
    "distance_along": (a.distance_along, {"net": NET, "images": IMAGES[:2],
                                          "directions": WAYS,
                                          "reach": 2.0, "samples": 4, "halvings": 3, "chunk": 4}),
    "exact_interval": (a.exact_interval, {"hits": 3, "trials": 10, "level": 0.9}),
    "exact_share": (a.exact_share, {"hits": RIGHT, "level": 0.9}),
    "fade_seams": (a.fade_seams, {"images": IMAGES, "grid": 2, "width": 1}),
    "find_repeats": (a.find_repeats, {"images": LARGE, "strength": 0.5, "prominence": 0.3}),
    "fit_temperature": (a.fit_temperature, {"logits": LOGITS,
                                              "labels": LABELS}),
    "interval_bounds": (a.interval_bounds, {"net": NET, "low": IMAGES * 0.5, "high": IMAGES}),
    "least_margins": (a.least_margins, {"net": NET, "low": IMAGES * 0.5, "high": IMAGES,
                                        "labels": LABELS}),
    "log_odds": (a.log_odds, {"net": NET, "images": IMAGES, "classes": LABELS, "chunk": 4}),
    "matched_pairs": (a.matched_pairs, {"values": SCORES, "others": OTHERS, "groups": GROUPS,
                                        "other_groups": GROUPS[:9], "within": 0.5}),
    "mean_interval": (a.mean_interval, {"values": SCORES, "networks": GROUPS, "runs": RUNS,
                                        "resamples": 20, "level": 0.9, "seed": 0}),
    "mistakes": (a.mistakes, {"found": torch.rand(6, 4), "labels": LABELS}),
    "mistakes_on_rubbish": (a.mistakes_on_rubbish, {"found": torch.rand(6, 4), "least": 0.5}),
    "mosaic": (a.mosaic, {"images": IMAGES, "labels": LABELS % 2, "grid": 2, "seed": 0}),
    "nearest_images": (a.nearest_images, {"images": IMAGES, "reference": MORE, "k": 2,
                                          "chunk": 4}),
    "over_networks": (a.over_networks, {"made": MISTAKES, "level": 0.9, "resamples": 20,
                                        "seed": 0}),
    "pair_intervals": (a.pair_intervals, {"values": torch.rand(12, 12), "groups": GROUPS,
                                          "resamples": 20, "level": 0.9, "seed": 0}),
    "pixel_correlation": (a.pixel_correlation, {"images": IMAGES, "templates": MORE}),
    "plant": (a.plant, {"net": network(), "images": IMAGES, "epsilon": 0.1, "inside": 4,
                        "reach": 0.9, "depth": 0.5, "seed": 0}),
    "power_spectrum": (a.power_spectrum, {"images": LARGE}),
    "random_directions": (a.random_directions, {"count": 2, "shape": SHAPE, "seed": 0}),
    "recurrence": (a.recurrence, {"measured": torch.rand(3, 4, 5), "permutations": 10,
                                  "seed": 0}),
    "rejection": (a.rejection, {"inside": torch.rand(2, 16), "calibration": torch.rand(2, 16),
                                "outside": torch.rand(2, 9), "networks": GROUPS[:9] % 2,
                                "runs": RUNS[:9], "accepted": 0.9,
                                "resamples": 10, "level": 0.9, "seed": 0}),
    "reliability": (a.reliability, {"confidence": SCORES, "right": RIGHT, "bins": 5}),
    "robustness": (a.robustness, {**GIVEN, "epsilon": 0.1, "steps": 2, "restarts": 1,
                                  "generations": 2, "seed": 0}),
    "scramble": (a.scramble, {**GIVEN, "grids": (2, 3), "seed": 0}),
    "seam_step": (a.seam_step, {"images": IMAGES, "grid": 2}),
    "shuffle_tiles": (a.shuffle_tiles, {"images": IMAGES, "grid": 2, "seed": 0, "crop": False}),
    "smoothed_certify": (a.smoothed_certify, {"net": NET, "images": IMAGES, "sigma": 0.1,
                                              "samples": 8, "selecting": 4, "alpha": 0.01,
                                              "seed": 0, "chunk": 10}),
    "smoothed_predict": (a.smoothed_predict, {"net": NET, "images": IMAGES, "sigma": 0.1,
                                              "samples": 8, "alpha": 0.01, "seed": 0,
                                              "chunk": 10}),
    "Smoothed": (a.Smoothed, {"net": NET, "shape": SHAPE, "sigma": 0.1, "samples": 4, "seed": 0}),
    "symmetry": (a.symmetry, {"images": IMAGES}),
    "tile_motif": (a.tile_motif, {"motifs": IMAGES, "copies": 4, "size": (28, 28), "fill": 0.0}),
    "tiled_repeats": (a.tiled_repeats, {"n": 3, "copies": 4, "motif": (6, 6), "size": (28, 28)}),
    "ablate": (a.ablate, {"net": nn.Sequential(nn.Flatten(), nn.Linear(784, 4)), "images": LARGE,
                          "classes": LABELS[:3], "repeats": REPEATS, "erased": 1, "fill": "mean",
                          "draws": 2, "candidates": 2, "seed": 0, "chunk": 10}),
    "variance_in_bars": (a.variance_in_bars, {"images": LARGE, "degrees": (0, 90)}),
    "transfer": (a.transfer, {**QUIET, "judges": {"a": NET, "b": network()},
                              "forgeries": ELITES, "threshold": 0.3, "control": True,
                              "failures": True, "resamples": 10, "level": 0.9, "seed": 0,
                              "chunk": 4}),
    "warning_signs": (a.warning_signs, {**GIVEN, "epsilon": 0.1, "steps": 2, "queries": 4,
                                        "seed": 0}),
    "MaxSoftmax": (through(a.MaxSoftmax, lambda net, images: a.MaxSoftmax(net).score(images)), {
        "net": NET, "images": IMAGES}),
    "MaxScore": (through(a.MaxScore, lambda net, images: a.MaxScore(net).score(images)), {
        "net": NET, "images": IMAGES}),
    "Energy": (through(a.Energy, lambda net, temperature, images: a.Energy(
        net, temperature).score(images)), {"net": NET, "temperature": 2.0, "images": IMAGES}),
    "ODIN": (through(a.ODIN, lambda net, temperature, epsilon: a.ODIN(
        net, temperature=temperature, epsilon=epsilon).score(IMAGES)), {
        "net": NET, "temperature": 100.0, "epsilon": 0.01}),
    "Mahalanobis": (through(a.Mahalanobis, lambda net, layer, shrinkage, images, labels:
                            a.Mahalanobis(net, layer=layer, shrinkage=shrinkage).fit(
                                images, labels)), {
        "net": NET, "layer": "1", "shrinkage": 0.5, "images": torch.cat([IMAGES, MORE]),
        "labels": torch.arange(11) % 4}),
    "OpenMax": (through(a.OpenMax, lambda net, tail, alpha, images, labels: a.OpenMax(
        net, tail=tail, alpha=alpha).fit(images, labels).score(images)), {
        "net": QUARTERS, "tail": 2, "alpha": 2, "images": MANY, "labels": SAID}),
    "PixelNeighbours": (through(a.PixelNeighbours, lambda k, images: fitted(
        a.PixelNeighbours(k), images, None)), {"k": 2, "images": IMAGES}),
    "FeatureNeighbours": (through(a.FeatureNeighbours, lambda net, layer, k, images: fitted(
        a.FeatureNeighbours(net, layer=layer, k=k), images)), {
        "net": NET, "layer": "1", "k": 2, "images": IMAGES}),
    "score_all": (a.score_all, {"detectors": {"a": a.MaxSoftmax(NET)}, "images": IMAGES,
                                "chunk": 4}),
    "Guarded": (a.Guarded, {"net": NET, "detector": a.MaxSoftmax(NET), "images": MANY,
                            "accepted": 0.9}),
    "Reference": (a.Reference, {"net": NET, "images": IMAGES, "labels": LABELS, "layers": ["1"],
                                "classes": 4}),
    "Forgeries": (a.Forgeries, {"images": IMAGES, "classes": LABELS, "runs": LABELS,
                                "networks": LABELS, "originals": IMAGES, "truth": LABELS}),
    "Embedding": (a.Embedding, {"net": NET, "layer": "1"}),
    "Search": (a.Search, {"embedding": a.Embedding(NET, "1"), "pictures": IMAGES,
                          "sharpness": 20.0}),
    "Behind": (a.Behind, {"net": NET, "objects": torch.rand(2, 2, 6, 6), "copies": 2}),
    "in_front": (a.in_front, {"objects": torch.rand(2, 2, 6, 6),
                              "wallpapers": torch.rand(3, 1, 3, 3)}),
    "erase_masked": (a.erase_masked, {"images": IMAGES, "masks": torch.rand(6, 6, 6) > 0.5,
                                      "fill": "mean"}),
    "find_motifs": (a.find_motifs, {"net": NAMED, "classes": LABELS[:2], "alike": 0.25,
                                    "cells": 4, "steps": 2, "tried": 2, "learning_rate": 0.2,
                                    "seed": 0}),
    "fill_cells": (a.fill_cells, {"net": NAMED, "motifs": MOTIFS, "counts": (1, 2),
                                  "order": "best", "seed": 0}),
    "fill_blocks": (a.fill_blocks, {"net": NAMED, "motifs": MOTIFS, "sides": (2,)}),
    "place_motifs": (a.place_motifs, {"motifs": torch.rand(2, 4, 1, 3, 3),
                                      "placed": torch.rand(2, 4) > 0.5, "fill": 0.0}),
    "worth_of_regions": (a.worth_of_regions, {
        "net": nn.Sequential(nn.Flatten(), nn.Linear(784, 4)), "images": LARGE,
        "classes": LABELS[:3], "repeats": REPEATS, "fill": "mean"}),
    "logits_apart": (a.logits_apart, {"net": load_face_net("pooled", "order"),
                                      "drawings": fk.data.drawing(2), "shared": "none"}),
    "paste_tiles": (a.paste_tiles, {"tiles": a.cut_tiles(IMAGES, 2)}),
    "textures": (a.textures, {"shape": SHAPE, "photographs": ["flower"]}),
    "MapElites": (fk.evolution.MapElites, {"net": NET, "encoding": PIXELS, "batch": 8, "seed": 0,
                                           "precision": "float32"}),
    "read_png": (fk.evolution.read_png, {"path": f"{PHOTOS.name}/a.png", "channels": 1}),
    "Patch": (fk.gradients.Patch, {"pixels": torch.rand(1, 3, 3), "shape": "disc", "target": 1,
                                   "turn": 20.0, "scales": (0.8, 1.2)}),
    "Universal": (fk.gradients.Universal, {"change": torch.zeros(SHAPE), "epsilon": 0.1,
                                           "norm": "inf", "targeted": False, "fooled": 0.5}),
    "digits": (fk.data.digits, {"seed": 0}),
    "drawing": (fk.data.drawing, {"n": 2, "what": "face", "seed": 0}),
    "embedded_photographs": (fk.data.embedded_photographs, {"shape": (1, 8, 8)}),
    "labels_of_table": (fk.data.labels_of_table, {"path": f"{PHOTOS.name}/labels.csv",
                                                  "names": ["a.png"], "classes": ["a", "b"]}),
    "mnist": (fk.data.mnist, {"split": "test"}),
    "sample_photographs": (fk.data.sample_photographs, {"shape": (1, 8, 8), "n": 2, "seed": 0}),
    "Estimator": (fk.models.Estimator, {"estimator": TREE, "name": "a"}),
    "FaceDetector": (fk.models.FaceDetector, {"device": "cpu", "thresholds": (0.6, 0.7, 0.7),
                                              "smallest": 20.0, "factor": 0.7}),
    "Machine": (fk.models.Machine, {"weights": torch.rand(2, 5), "offset": torch.rand(2),
                                    "platt": torch.rand(2, 2), "vectors": torch.rand(5, 36),
                                    "gamma": 0.02, "read": "softmax"}),
    "Rectifier": (through(fk.models.Rectifier, lambda widths: fk.models.Rectifier(5, widths)), {
        "widths": 3}),
    "Sigmoid": (through(fk.models.Sigmoid, lambda widths: fk.models.Sigmoid(5, widths)), {
        "widths": 3}),
    "ResNet": (fk.models.ResNet, {"channels": 2}),
    "Synthesis": (fk.models.Synthesis, {"hidden": 3, "code": 2, "sigma": 0.2, "classes": 3}),
    "evaluating": (through(fk.models.evaluating, lambda net: fk.models.evaluating(net).__enter__()),
                   {"net": NET}),
    "people_scores": (fk.models.people_scores, {"images": torch.rand(1, 3, 128, 64),
                                                "detector": "gradients"}),
    "transforms.Chain": (fk.transforms.Chain, {"parts": (fk.transforms.Shift(1),)}),
    "transforms.Paste": (fk.transforms.Paste, {"backgrounds": IMAGES, "low": 0.5, "high": 1.0,
                                               "off": 0.1}),
    "crops": (fk.data.crops, {"n": 2, "seed": 0}),
    "faces": (fk.data.faces, {"n": 2, "what": "face", "seed": 0}),
    "drawn_pedestrians": (fk.data.drawn_pedestrians, {"n": 2, "seed": 0}),
    "labels_of_folders": (fk.data.labels_of_folders, {"names": ["a/1.png", "b/2.png"],
                                                      "classes": ["a", "b"]}),
    "letters": (fk.data.letters, {"characters": "AB", "fonts": ["DejaVuSans"]}),
    "photograph_pieces": (fk.data.photograph_pieces, {"n": 2, "shape": (1, 8, 8), "least": 64,
                                                      "seed": 0}),
    "photographs": (fk.data.photographs, {"folder": PHOTOS.name, "shape": (1, 8, 8),
                                          "most": 2}),
    "Shift": (fk.transforms.Shift, {"most": 1.0}),
    "Scale": (fk.transforms.Scale, {"low": 0.5, "high": 1.0}),
    "Brightness": (fk.transforms.Brightness, {"change": 0.1, "contrast": 0.1}),
    "Blur": (fk.transforms.Blur, {"most": 1.0}),
    "Jpeg": (fk.transforms.Jpeg, {"low": 50, "high": 90}),
    "jpeg": (fk.transforms.jpeg, {"images": torch.rand(2, 3, 16, 16), "quality": 50}),
    "SensorNoise": (fk.transforms.SensorNoise, {"most": 0.1}),
    "bank.certified.network": (fk.bank.certified.network, {"name": "plain"}),
    "bank.few.patches": (fk.bank.few.patches, {"size": 8}),
    "bank.few.universal": (fk.bank.few.universal, {"name": fk.bank.few.FAMILY[0]}),
    "bank.graded.network": (fk.bank.graded.network, {"name": "plain"}),
    "bank.graded.attackable": (fk.bank.graded.attackable, {"name": "shaken", "draws": 2}),
    "bank.graded.images": (fk.bank.graded.images, {"name": "trained", "attack": "steps"}),
    "bank.graded.signs": (fk.bank.graded.signs, {"name": "plain"}),
    "bank.hardened.file_of": (fk.bank.hardened.file_of, {"name": "TRADES"}),
    "bank.hardened.network": (fk.bank.hardened.network, {"name": "TRADES"}),
    "bank.hardened.seeds": (fk.bank.hardened.seeds, {"name": "TRADES"}),
    "bank.motifs.load": (fk.bank.motifs.load, {"network": "lenet"}),
    "bank.networks.network": (fk.bank.networks.network, {"name": "lenet"}),
    "bank.reseeded.scores": (fk.bank.reseeded.scores, {"name": "lenet"}),
    "bank.retrained.load": (fk.bank.retrained.load, {"budget": "long"}),
    "bank.retrained.network": (fk.bank.retrained.network, {"chain": "lenet"}),
    "bank.world.objects": (fk.bank.world.objects, {"titles": ("flower",), "size": 0.5}),
    "bank.world.judge": (fk.bank.world.judge, {"name": "lenet"}),
    "bank.load": (fk.bank.load, {"victims": ["lenet"], "families": ["lbfgs"], "least": 0.3,
                                 "every": 2}),
}  # fmt: skip
# what is public and has no call, and why; what takes no argument needs none
LEFT_OUT = {
    "what routines give: their fields are what they computed": """
        analysis.Ablation analysis.Accidents analysis.Certificate analysis.ClassShares
        analysis.Drop analysis.Firing analysis.Interval analysis.Mistakes analysis.Pairs
        analysis.Placed analysis.Plane analysis.Planted analysis.Recurrence analysis.Rejection
        analysis.Reliability analysis.Repeats analysis.Robustness analysis.Scramble analysis.Sign
        analysis.Transfer data.Drawing data.Photograph encodings.CPPNGenomes
        encodings.PixelGenomes evolution.Archive evolution.Elites evolution.History
        examination.Chart examination.Number examination.Picture examination.Report
        examination.Section gradients.Ascent gradients.Attacked gradients.Perturbed
        gradients.Placed""",
    "abstract: nobody makes one": "analysis.Detector encodings.Encoding",
    "a condition of the command line, which ``Limit.parse`` reads": "examination.Limit",
    "plain records of the scoreboard": "book.scoreboard.Margin book.scoreboard.Merit",
    "networks of what is on a machine, made by ``models.load``": "models.imagenet",
    "what the book's chapters, and the programs that make the bank, ask it for": """
        bank.champions.ask bank.champions.columns bank.champions.encoding_of
        bank.champions.from_columns bank.champions.key bank.champions.load bank.champions.seen
        bank.few.photograph_controls bank.few.whole_steps bank.graded.read_rightly
        bank.guarded.detectors bank.guarded.radial bank.networks.columns_of
        bank.networks.forgeries bank.networks.stored bank.photographs.attacked
        bank.photographs.flags bank.retrained.eleven
        bank.certified.Bred bank.champions.Champions bank.champions.Verdicts bank.defended.Bred
        bank.faces.Squares bank.features.Features bank.guarded.Bred bank.hardened.Training
        bank.networks.Measured bank.networks.Networks bank.retrained.Budget bank.retrained.Round
        bank.world.Gallery""",
}
PATHS = ("folder", "path", "checkpoint", "source", "device")  # what the system may refuse
