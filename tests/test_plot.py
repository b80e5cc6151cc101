import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

import foolkit as fk
from foolkit import plot


def pixels(png):
    return np.array(Image.open(io.BytesIO(png)).convert("RGBA")).astype(int)


@pytest.fixture
def drawn():
    made, ax = plot.figure(alt="a line", caption="It rises.")
    ax.plot([0, 1], [0, 1], label="rise")
    ax.set_xlabel("x")
    ax.set_title("added by hand")
    ax.legend()
    return made


def test_alt_and_caption_are_required():
    with pytest.raises(ValueError, match="alt: expected a sentence, got ''"):
        plot.figure(alt="", caption="c")
    with pytest.raises(ValueError, match="caption: expected a sentence, got None"):
        plot.figure(alt="a", caption=None)


def test_light_is_dark_ink_on_white_and_dark_the_reverse(drawn):
    light, dark = pixels(drawn.png()), pixels(drawn.png(dark=True))
    assert light.shape == dark.shape
    assert (light[0, 0] == 255).all()
    assert dark[0, 0, 3] == 0  # transparent
    solid = dark[dark[:, :, 3] > 250][:, :3]
    assert solid.max() > 220  # light ink
    assert (solid.sum(1) > 150).all()  # nothing of the dark ink is left: no black legend or title
    ink = light[(light[:, :, :3].sum(2) < 130)]
    assert len(ink) > 100


def test_the_same_figure_gives_the_same_file(drawn):
    first = drawn.png()
    drawn.png(dark=True)
    assert drawn.png() == first
    assert b"Software" not in first


def test_a_notebook_gets_alt_text_and_both_versions(drawn):
    data, metadata = drawn._repr_mimebundle_()
    assert data["text/plain"] == "a line"
    assert base64.b64decode(data["image/png"]) == drawn.png()
    book = metadata["image/png"]
    assert (book["alt"], book["caption"]) == ("a line", "It rises.")
    assert base64.b64decode(book["dark"]) == drawn.png(dark=True)


def test_photographs_are_one_jpeg_of_full_colours_for_both_themes():
    photographs, _ = fk.data.embedded_photographs((3, 224, 224))
    drawn = plot.images(photographs[:4], alt="four", caption="Four.", columns=4)
    data, metadata = drawn._repr_mimebundle_()
    assert set(data) == {"image/jpeg", "text/plain"}
    assert set(metadata["image/jpeg"]) == {"alt", "caption", "width"}
    seen = Image.open(io.BytesIO(base64.b64decode(data["image/jpeg"])))
    assert seen.format == "JPEG"
    assert min(seen.getpixel((1, 1))) >= 248  # white
    assert [component[1:3] for component in seen.layer] == [(1, 1)] * 3  # no halved colours
    true = Image.open(io.BytesIO(drawn.png())).convert("RGB").resize(seen.size)
    loss = np.abs(np.asarray(seen, float) - np.asarray(true, float)).mean()
    assert loss < 9  # of 255 levels
    assert len(data["image/jpeg"]) < 0.4 * len(base64.b64encode(drawn.png()))
    small = plot.images(torch.rand(1, 3, 28, 28), alt="noise", caption="Noise.")
    assert "image/png" in small._repr_mimebundle_()[0]


def test_percent_never_rounds_up_to_certainty():
    assert plot.percent(0.99999) == "99.99 %"
    assert plot.percent(0.9999) == "99.99 %"
    assert plot.percent(1.0) == "100.00 %"
    assert plot.percent(0.1) == "10.00 %"
    assert plot.percent(torch.tensor(0.12345)) == "12.34 %"


def test_gallery_names_every_class_and_confidence():
    net = fk.models.load("lenet")
    elites = fk.evolve(net, fk.encodings.Pixels(net.input_shape), generations=2, progress=False)
    made = plot.gallery(elites)
    titles = [ax.get_title() for ax in made.axes]
    assert titles == [
        f"“{c}”\n{plot.percent(p)}" for c, p in zip("0123456789", elites.confidence, strict=True)
    ]
    assert all(plot.percent(p) in made.alt for p in elites.confidence)


def test_images_are_drawn_pixel_by_pixel():
    board = (torch.arange(64) % 2).view(1, 1, 8, 8).float()
    made = plot.images(board, ["board"], alt="a", caption="c")
    shown = made.axes[0].images[0]
    assert shown.get_interpolation() == "nearest"
    assert shown.get_clim() == (0, 1)
    with pytest.raises(ValueError, match="titles: expected 1, one an image, got 2"):
        plot.images(board, ["a", "b"], alt="a", caption="c")
    with pytest.raises(ValueError, match="images: expected values"):
        plot.images(board * 2, alt="a", caption="c")
    odd = plot.images(board.expand(7, 1, 8, 8), alt="a", caption="c")
    assert sum(ax.axison for ax in odd.axes) == 7


def test_convergence_draws_median_and_band_of_the_seeds():
    rows = torch.linspace(0.1, 0.99, 20)[:, None].expand(20, 4)
    histories = [fk.evolution.History(rows * s) for s in (0.8, 0.9, 1.0)]
    made = plot.convergence({"mine": histories, "other": histories[:1]}, alt="a", caption="c")
    left, right = made.axes
    assert np.allclose(left.lines[0].get_ydata(), rows[:, 0] * 0.9)
    assert left.get_ylim()[0] == 0
    assert np.allclose(right.lines[0].get_ydata(), 1 - rows[:, 0] * 0.9)
    assert right.get_yscale() == "log"
    assert left.get_legend() is not None


# ---- shares --------------------------------------------------------------------------------------


def test_shares_writes_every_estimate_with_its_interval():
    found = {
        (row, column): fk.analysis.Interval(value, value - 0.1, value + 0.1, 0.95)
        for row, column, value in (("a", "x y", 0.2), ("a", "z", 0.3), ("b", "x y", 0.4),
                                   ("b", "z", 0.9))
    }  # fmt: skip
    made = fk.plot.shares(found, label="share", alt="a heat map", caption="a finding")
    ax = made.axes[0]
    assert [text.get_text() for text in ax.texts] == [
        "20\n10–30", "30\n20–40", "40\n30–50", "90\n80–100",
    ]  # fmt: skip
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["x\ny", "z"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b"]
    assert made.axes[1].get_ylabel() == "share"


def test_shares_needs_every_pair():
    one = fk.analysis.Interval(0.5, 0.4, 0.6, 0.95)
    with pytest.raises(ValueError, match=r"estimates: expected one of every pair, .*'a', 'y'"):
        fk.plot.shares({("a", "x"): one, ("b", "y"): one}, label="s", alt="a", caption="c")
    with pytest.raises(ValueError, match="estimates: expected a mapping .* got none"):
        fk.plot.shares({}, label="s", alt="a", caption="c")


def test_names_with_dollar_signs_are_no_formulas():
    net = fk.models.load("lenet", classes=["$$", "a$b", "$x^$", *"3456789"])
    elites = fk.evolve(
        net, fk.encodings.Pixels(net.input_shape), generations=0, batch=20, progress=False
    )
    made = fk.plot.gallery(elites)
    made.canvas.draw()
    assert "$" in "".join(ax.get_title() for ax in made.axes)


# ---- networks ------------------------------------------------------------------------------------


def test_networks_draws_one_mark_a_network_and_the_interval():
    measured = fk.bank.networks.load()
    values = {"share": torch.rand(len(measured.names), generator=torch.Generator().manual_seed(0))}
    made = fk.plot.networks(measured, values, alt="dots", caption="a finding")
    lines = made.axes[0].get_lines()
    shown = sorted(float(line.get_xdata()[0]) for line in lines if len(line.get_xdata()) == 1)
    mean = measured.over(values["share"])
    assert shown == pytest.approx(sorted([*values["share"].tolist(), mean.value]), abs=1e-6)
    (bar,) = [line for line in lines if len(line.get_xdata()) == 2]
    assert list(bar.get_xdata()) == [mean.low, mean.high]


def test_networks_sets_what_was_never_reached_at_the_edge_and_has_no_interval():
    measured = fk.bank.networks.load()
    values = torch.arange(len(measured.names)).double()
    values[-1] = float("inf")
    made = fk.plot.networks(measured, {"generation": values}, alt="dots", caption="a finding")
    lines = made.axes[0].get_lines()
    assert [line.get_marker() for line in lines].count(">") == 1
    assert all(len(line.get_xdata()) == 1 for line in lines)


def test_designs_writes_the_mean_of_every_pair_of_designs():
    measured = fk.bank.networks.load()
    size = len(measured.names)
    values = torch.rand(size, size, generator=torch.Generator().manual_seed(0))
    made = fk.plot.designs(measured, {"a": values, "b": 1 - values}, alt="maps", caption="found")
    table = 100 * measured.by_design(values)
    for ax, numbers in zip(made.axes, (table, 100 - table), strict=True):
        written = torch.tensor([float(text.get_text()) for text in ax.texts]).view(7, 7)
        assert torch.allclose(written.double(), numbers, atol=0.5 + 1e-6)
    with pytest.raises(ValueError, match="each pair of"):
        fk.plot.designs(measured, {"a": values[0]}, alt="a", caption="c")
    with pytest.raises(ValueError, match="values: expected a mapping .* got none"):
        fk.plot.designs(measured, {}, alt="a", caption="c")


def test_networks_needs_one_value_a_network():
    measured = fk.bank.networks.load()
    with pytest.raises(ValueError, match="one of each of"):
        fk.plot.networks(measured, {"share": torch.zeros(3)}, alt="a", caption="c")
    with pytest.raises(ValueError, match="values: expected a mapping .* got none"):
        fk.plot.networks(measured, {}, alt="a", caption="c")
