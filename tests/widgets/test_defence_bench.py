"""The defence bench: Python, the page's attacks, and the widget in a small built book."""

import re
from base64 import b64encode

import pytest
import torch
from safetensors.torch import load_file, save

import foolkit as fk
from foolkit.models import shipped
from foolkit.widgets import DefenceBench
from foolkit.widgets.defence_bench import DEFENCES, bench_digits

MODULES = ("sign.js",)
PANEL = {"none": "lenet", "another": "lenet-b", "half": "lenet-half-1"}


@pytest.fixture(scope="module")
def digits():
    return bench_digits()


@pytest.fixture(scope="module")
def networks():
    return {name: fk.models.load(network) for name, network in PANEL.items()}


# ---- Python ----


def test_the_digits_are_held_out_and_even(digits):
    images, labels = digits
    assert images.shape == (30, 1, 28, 28)
    assert labels.tolist() == [digit for digit in range(10) for _ in range(3)]
    held = {image.numpy().tobytes() for image in fk.models.comparison_digits()[0]}
    assert all(image.numpy().tobytes() in held for image in images)


def test_the_defences_are_those_of_the_chapter():
    widget = DefenceBench()
    assert widget.defences == ["no defence", "noise", "FGSM", "PGD", "outliers"]
    assert widget.networks[0] == "lenet"
    assert set(widget.networks) <= set(fk.models.available())
    assert widget.ticked == widget.defences[:2]


def test_python_sets_and_reads():
    widget = DefenceBench(PANEL, attack="pgd", epsilon=0.1)
    assert repr(widget) == (
        "DefenceBench(defences=['none', 'another', 'half'], attack='pgd', epsilon=0.1)"
    )
    assert widget.networks == ["lenet", "lenet-b", "lenet-half-1"]
    assert widget.ticked == ["none", "another"]
    widget.ticked = ["half", "none"]
    assert widget.ticked == ["none", "half"]  # in the order of the defences
    widget.attack, widget.epsilon, widget.chosen, widget.steps = "paint", 0.4, 29, 7
    assert (widget.attack, widget.epsilon, widget.chosen, widget.steps) == ("paint", 0.4, 29, 7)
    assert widget.changed() == {}
    pixels = (bench_digits()[0][:2] * 255).round().to(torch.uint8).numpy().tobytes()
    widget.set_state(
        {"results": {"none": {"right": 3}, "half": {"right": 2}}, "attacked": memoryview(pixels)}
    )
    assert list(widget.changed()) == ["none", "half"]
    assert torch.allclose(widget.changed()["half"], bench_digits()[0][1:2], atol=1e-6)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: DefenceBench({}), ValueError, "networks: expected a mapping .*, got none"),
        (lambda: DefenceBench(["lenet"]), TypeError, "networks: expected a mapping .*, got list"),
        (lambda: DefenceBench({"a": "vit"}), ValueError, "networks: expected one that the page"),
        (lambda: DefenceBench(PANEL, torch.rand(2, 1, 9, 9)), ValueError, "images: expected shape"),
        (lambda: DefenceBench(PANEL, torch.rand(2, 1, 28, 28)), TypeError, "labels: expected"),
        (
            lambda: DefenceBench(PANEL, torch.rand(101, 1, 28, 28), torch.zeros(101).long()),
            ValueError,
            "images: expected at most 100, got 101",
        ),
        (lambda: DefenceBench(PANEL, attack="cw"), ValueError, "attack: expected one of 'fgsm'"),
        (lambda: DefenceBench(PANEL, epsilon=0.5), ValueError, "epsilon: .* from 0 to 0.4"),
        (lambda: DefenceBench(PANEL, steps=0), ValueError, "steps: expected an integer"),
        (lambda: DefenceBench(PANEL, restarts=6), ValueError, "restarts: .* at most 5"),
        (lambda: DefenceBench(PANEL, chosen=30), ValueError, "chosen: .* at most 29, got 30"),
        (lambda: DefenceBench(PANEL, ticked=["pgd"]), ValueError, "ticked: expected one of"),
        (lambda: DefenceBench(PANEL, seed=-1), ValueError, "seed: expected an integer"),
        (
            lambda: setattr(DefenceBench(PANEL), "guess", "pgd"),
            ValueError,
            "guess: expected one of 'none', 'another', 'half'",
        ),
    ],
)
def test_bad_settings_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


# ---- the attacks of the page are foolkit's ----


def flat(images):
    return images.flatten(1).tolist()


def images_of(rows):
    return torch.tensor(rows).view(-1, 1, 28, 28)


def alike(found, expected, epsilon):
    """The share of pixels where both moved the same way: all but where the slope is nearly 0."""
    return ((found - expected).abs() < 0.01 * epsilon + 1e-6).flatten(1).float().mean(1)


@pytest.mark.parametrize("epsilon", [0.05, 0.25])
def test_one_step_is_fgsm(engine, lenet, digits, epsilon):
    images, labels = digits
    found = images_of(
        engine(
            "([xs, ys, e]) => xs.map((x, i) =>"
            " Array.from(E.signStep(net, Float64Array.from(x), ys[i], e).image))",
            [flat(images), labels.tolist(), epsilon],
        )
    )
    expected = fk.gradients.fgsm(lenet, images, labels, epsilon=epsilon)
    assert (alike(found, expected.images, epsilon) > 0.99).float().mean() >= 0.9
    right = lenet(found).argmax(1) == labels
    assert abs(int(right.sum()) - int((~expected.success).sum())) <= 1


@pytest.mark.parametrize(("steps", "restarts"), [(1, 1), (10, 1), (10, 3)])
def test_many_steps_are_pgd_from_the_same_starts(
    engine, lenet, digits, monkeypatch, steps, restarts
):
    images, labels = (part[::3] for part in digits)
    epsilon = 0.12
    found, starts = engine(
        """([xs, ys, epsilon, steps, restarts]) => {
            const starts = xs.map((_, n) => Array.from({ length: restarts }, (_, start) =>
                E.randomChange(E.randomOf(5, n, start), epsilon)));
            const images = xs.map((x, n) => {
                let last;
                const settings = { epsilon, steps, starts: starts[n] };
                for (last of E.signSteps(net, Float64Array.from(x), ys[n], settings));
                return [...last.image];
            });
            return [images, starts.map((all) => all.map((one) => Array.from(one)))];
        }""",
        [flat(images), labels.tolist(), epsilon, steps, restarts],
    )
    found, starts = images_of(found), torch.tensor(starts).view(10, restarts, 1, 28, 28)
    assert starts.abs().max() <= epsilon
    assert starts.std() == pytest.approx(epsilon / 3**0.5, rel=0.05)
    everywhere = images.flatten(1)  # which images are attacked again, by their pixels

    def drawn(attacked, norm, size, generator):
        rows = [(everywhere == one).all(1).nonzero()[0, 0] for one in attacked.flatten(1)]
        calls.append(len(rows))
        return starts[torch.stack(rows), len(calls) - 1].clone()

    calls = []
    monkeypatch.setattr(fk.gradients.sign, "random_in_ball", drawn)
    expected = fk.gradients.pgd(
        lenet, images, labels, epsilon=epsilon, steps=steps, restarts=restarts, progress=False
    )
    assert 1 <= len(calls) <= restarts
    share = alike(found, expected.images, epsilon)
    assert (share > (0.99 if steps == 1 else 0.9)).float().mean() >= 0.8
    assert (found - images).abs().max() <= epsilon + 1e-6
    assert 0 <= found.min() <= found.max() <= 1
    fooled = lenet(found).argmax(1) != labels
    assert abs(int(fooled.sum()) - int(expected.success.sum())) <= 1


def test_more_starts_fool_no_fewer(engine, lenet, digits):
    images, labels = (part[::3] for part in digits)
    counts = [
        engine(
            """([xs, ys, restarts]) => xs.filter((x, n) => {
                let last;
                const starts = Array.from({ length: restarts }, (_, start) =>
                    E.randomChange(E.randomOf(0, n, start), 0.1));
                const settings = { epsilon: 0.1, steps: 5, starts };
                for (last of E.signSteps(net, Float64Array.from(x), ys[n], settings));
                const logits = net.logits(last.image);
                return logits.indexOf(Math.max(...logits)) !== ys[n];
            }).length""",
            [flat(images), labels.tolist(), restarts],
        )
        for restarts in (1, 4)
    ]
    assert counts[0] <= counts[1]


def test_the_control_moves_every_pixel_by_epsilon(engine, digits):
    image = digits[0][:1]
    found = images_of(
        engine(
            "([x]) => [0, 1].map((n) =>"
            " Array.from(E.signNoise(Float64Array.from(x), 0.2, E.randomOf(0, n, 0))))",
            flat(image),
        )
    )
    change = found - image
    inside = ((image >= 0.2) & (image <= 0.8)).expand_as(found)
    assert torch.allclose(change[inside].abs(), torch.tensor(0.2), atol=1e-6)
    assert change.abs().max() <= 0.2 + 1e-6
    black = (image == 0).expand_as(found)
    assert float((change[black] > 0).float().mean()) == pytest.approx(0.5, abs=0.05)
    assert not torch.equal(found[0], found[1])


def test_painting_is_ascent(engine, lenet):
    found, starts = engine("""() => {
        const goals = [0, 3, 8];
        return [goals.map((goal) => {
            let last;
            for (last of E.painted(net, goal, E.randomOf(2, goal, 0)));
            return [...last.image];
        }), goals.map((goal) => Array.from(E.randomImage(E.randomOf(2, goal, 0))))];
    }""")
    goals = torch.tensor([0, 3, 8])
    found, starts = images_of(found), images_of(starts)
    expected = fk.gradients.ascent(lenet, goals, start=starts, progress=False)
    assert expected.success.all()
    sure = fk.models.predict(lenet, found).gather(1, goals[:, None])
    assert (sure >= 0.9998).all()
    assert (found - expected.images).abs().mean() < 0.02


SATURATED = """([xs, ys, scale]) => {
    const weights = { ...net.weights };
    for (const name of ["fc2.weight", "fc2.bias"]) {
        weights[name] = weights[name].map((value) => scale * value);
    }
    const saturated = new E.LeNet(weights);
    return xs.map((x, n) => {
        const image = Float64Array.from(x), start = () => E.randomChange(E.randomOf(0, n, 0), 0.01);
        let last;
        const settings = { epsilon: 0.01, steps: 3, starts: [start()] };
        for (last of E.signSteps(saturated, image, ys[n], settings));
        return [E.signStep(saturated, image, ys[n], 0.3).stuck, last.stuck];
    });
}"""


SCALE = 64


def scaled(name):
    """The weights of a LeNet with so large logits that probabilities are 0 and 1 in float32."""
    weights = load_file(str(shipped.WEIGHTS / f"{name}.safetensors"))
    return {k: v * SCALE if k.startswith("fc2") else v for k, v in weights.items()}


def saturated(name):
    """The network with these weights."""
    net = fk.models.lenet.LeNet()
    net.load_state_dict({k: v.float() for k, v in scaled(name).items()})
    return net.eval()


def without_slope(net, images, labels):
    """Where the gradient of the loss is exactly zero, bool [N]."""
    pixels = images.clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(net(pixels), labels, reduction="sum")
    return (torch.autograd.grad(loss, pixels)[0] == 0).flatten(1).all(1)


def test_a_slope_that_is_zero_is_told(engine, digits):
    images, labels = digits
    rows = [flat(images), labels.tolist()]
    assert engine(SATURATED, [*rows, 1]) == [[False, False]] * 30
    none = without_slope(saturated("lenet"), images, labels)
    assert none.float().mean() > 0.5
    found = torch.tensor(engine(SATURATED, [*rows, SCALE]))
    assert (found[:, 0] == none).float().mean() >= 0.95
    assert found[:, 1].float().mean() > 0.5


# ---- in a notebook: the page asks Python for weights, and tells it what came out ----

NOTEBOOK = """async ([source, traits, buffers, weights]) => {
    const view = (text) => new DataView(
        Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
    const listeners = [], asked = [];
    for (const [name, text] of Object.entries(buffers)) traits[name] = view(text);
    const emit = (event, ...details) =>
        listeners.filter((one) => one[0] === event).forEach((one) => one[1](...details));
    const model = {
        get: (name) => traits[name],
        set(name, value) { traits[name] = value; emit(`change:${name}`) },
        on: (...one) => listeners.push(one),
        off() {},
        save_changes() {},
        send({ file }) {
            asked.push(file);
            setTimeout(() => emit("msg:custom", { file }, [view(weights[file])]));
        },
    };
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const { default: widget } = await import(url), el = document.createElement("div");
    document.body.append(el);
    await widget.render({ model, el });
    el.querySelector(".fk-main").click();
    for (let n = 0; n < 3000 && !/^Done/.test(el.querySelector(".fk-status").textContent); n++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const attacked = [...new Uint8Array(traits.attacked.buffer)];
    return { asked, results: traits.results, attacked };
}"""


def test_python_is_told_what_came_out(browser, digits, networks):
    images, labels = (part[::2] for part in digits)
    widget = DefenceBench(PANEL, images, labels, epsilon=51 / 255, chosen=3, ticked=["half"])
    files = {f"{name}.safetensors": shipped.WEIGHTS / f"{name}.safetensors"
             for name in PANEL.values()}  # fmt: skip
    state = {name: getattr(widget, name) for name in widget.trait_names(sync=True)}
    page = browser.new_page()
    found = page.evaluate(
        NOTEBOOK,
        [
            widget._esm,
            {k: v for k, v in state.items() if isinstance(v, (str, int, float, list, dict))},
            {k: b64encode(v).decode() for k, v in state.items() if isinstance(v, bytes)},
            {name: b64encode(path.read_bytes()).decode() for name, path in files.items()},
        ],
    )
    page.close()
    assert found["asked"] == ["lenet-half-1.safetensors"]
    expected = fk.gradients.fgsm(networks["half"], images, labels, epsilon=51 / 255)
    told = found["results"]["half"]
    assert list(found["results"]) == ["half"]
    assert (told["total"], told["untested"]) == (15, 0)
    assert abs(told["wrong"] - int(expected.success.sum())) <= 1
    assert told["right"] + told["wrong"] == 15
    assert told["answer"] == int(expected.predicted[3])
    assert told["confidence"] == pytest.approx(float(expected.confidence[3]), abs=1e-2)
    widget.set_state(
        {"results": found["results"], "attacked": memoryview(bytes(found["attacked"]))}
    )
    off = (widget.changed()["half"] - expected.images[3:4]).abs() > 1e-3
    assert off.float().mean() < 0.01


# ---- the page ----

EPSILON = 51 / 255  # so that an image that was changed once is one of 8 bits
SOURCE = f"import foolkit as fk\nfk.widgets.DefenceBench({PANEL}, epsilon={EPSILON}, chosen=4)"
ALL = f"import foolkit as fk\nfk.widgets.DefenceBench(epsilon={EPSILON}, ticked={list(DEFENCES)})"
DONE = "document.querySelector('.fk-status').textContent.startsWith('Done')"


WIDGET_PAGES, WIDGET = {"index": [SOURCE], "all": [ALL]}, "fk-bench"


def said(page):
    return page.locator(".fk-status").inner_text()


def attack(page):
    page.get_by_role("button", name="Attack").click()
    page.wait_for_function(DONE, timeout=60_000)


def cards(page):
    """By the name of the defence: its image, [1, 1, 28, 28] in [0, 1], and its words."""
    found = {}
    for card in page.locator(".fk-stand li").all():
        values = card.locator("canvas").evaluate(
            "c => Array.from(c.getContext('2d').getImageData(0, 0, 28, 28).data)"
        )
        image = torch.tensor(values[::4]).view(1, 1, 28, 28).float() / 255
        name, *words = [line for line in card.inner_text().splitlines() if line]
        found[name] = image, " ".join(words)
    return found


def still_right(words):
    """Two counts: after the attack, and before it."""
    right, total, before = re.search(r"still right: (\d+) of (\d+).*before: (\d+)", words).groups()
    assert total == "30"
    return int(right), int(before)


def agrees(words, net, image, truth, tolerance=1e-3):
    """What a card says of its image is what PyTorch says of it."""
    verdict, digit, told = re.search(r"(stands|fooled): “(\d)”, ([\d.]+) %", words).groups()
    sure, answer = fk.models.predict(net, image).max(1)
    assert int(digit) == int(answer)
    assert float(told) / 100 == pytest.approx(float(sure), abs=tolerance)
    assert verdict == ("stands" if int(answer) == truth else "fooled")


def set_slider(page, name, value):
    page.get_by_role("slider", name=name).evaluate(
        "(node, value) => { node.value = value; node.dispatchEvent(new Event('input')) }", value
    )


def test_one_step_on_three_networks_is_fgsm(open_page, server, networks, digits, assert_clean):
    images, labels = digits
    page = open_page(server)
    assert list(cards(page)) == ["before", "none", "another"]
    assert torch.equal(cards(page)["none"][0], images[4:5])
    assert "not attacked yet" in cards(page)["none"][1]
    assert not any("lenet" in url for url in page.asked)  # weights come when they are needed
    page.get_by_role("checkbox", name="half").check()
    attack(page)
    found = cards(page)
    assert list(found) == ["before", *PANEL]
    for name, net in networks.items():
        expected = fk.gradients.fgsm(net, images, labels, epsilon=EPSILON)
        image, words = found[name]
        off = (image - expected.images[4:5]).abs() > 0.51 / 255
        assert off.float().mean() < 0.01
        agrees(words, net, image, int(labels[4]))
        right, before = still_right(words)
        assert abs(right - int((~expected.success).sum())) <= 1
        assert before == int((net(images).argmax(1) == labels).sum())
        assert f"{name}: still right: {right} of 30 (before: {before})" in said(page)
    assert len({still_right(found[name][1]) for name in PANEL}) > 1
    assert_clean(page, server)


def test_many_steps_are_stronger_and_keep_their_promise(open_page, server, networks, digits):
    images, labels = digits
    page = open_page(server)
    attack(page)
    one = {name: still_right(cards(page)[name][1])[0] for name in ("none", "another")}
    page.locator("select").first.select_option("pgd")
    assert said(page) == "Not attacked yet."
    assert "not attacked yet" in cards(page)["none"][1]
    set_slider(page, "steps", 10)
    attack(page)
    for name in ("none", "another"):
        image, words = cards(page)[name]
        assert (image - images[4:5]).abs().max() <= EPSILON + 0.51 / 255
        agrees(words, networks[name], image, int(labels[4]), tolerance=0.02)  # of 8 bits here
        right, _ = still_right(words)
        expected = fk.gradients.pgd(
            networks[name], images, labels, epsilon=EPSILON, steps=10, progress=False
        )
        assert abs(right - int((~expected.success).sum())) <= 3  # other random starts
        assert right <= one[name]


@pytest.mark.parametrize("method", ["fgsm", "pgd"])
def test_the_defended_networks_stand_and_fall_as_in_python(open_page, server, digits, method):
    images, labels = digits
    page = open_page(server, "all")
    page.locator("select").first.select_option(method)
    attack(page)
    counts = {name: still_right(words)[0] for name, (_, words) in cards(page).items()
              if name != "before"}  # fmt: skip
    assert list(counts) == list(DEFENCES)
    for name, right in counts.items():
        net = fk.models.load(DEFENCES[name])
        if method == "fgsm":
            found, margin = fk.gradients.fgsm(net, images, labels, epsilon=EPSILON), 1
        else:  # from other random starts
            found = fk.gradients.pgd(net, images, labels, epsilon=EPSILON, steps=20, progress=False)
            margin = 3
        assert abs(right - int((~found.success).sum())) <= margin
    assert counts["PGD"] > counts["no defence"] + 10
    assert "untested" not in said(page)


def test_noise_of_the_same_size_is_the_control(open_page, server, networks, digits):
    page = open_page(server)
    page.locator("select").first.select_option("noise")
    attack(page)
    found = cards(page)
    assert torch.equal(found["none"][0], found["another"][0])
    assert (found["none"][0] - digits[0][4:5]).abs().max() > 0.1
    for name in ("none", "another"):
        assert still_right(found[name][1])[0] >= 28
        agrees(found[name][1], networks[name], found[name][0], int(digits[1][4]))


def test_images_made_on_the_first_are_given_to_all(open_page, server, networks, digits):
    images, labels = digits
    page = open_page(server)
    page.get_by_role("checkbox", name="none", exact=True).uncheck()
    page.get_by_role("checkbox", name="half").check()
    page.get_by_label("make the images on “none”").check()
    set_slider(page, "largest change", 0.25)
    attack(page)
    found = cards(page)
    assert list(found) == ["before", "another", "half"]
    assert torch.equal(found["another"][0], found["half"][0])
    given = fk.gradients.fgsm(networks["none"], images, labels, epsilon=0.25).images
    for name in ("another", "half"):
        right = int((networks[name](given).argmax(1) == labels).sum())
        assert abs(still_right(found[name][1])[0] - right) <= 1


def test_painting_leaves_nothing_of_a_digit(open_page, server, networks):
    page = open_page(server)
    page.locator("select").first.select_option("paint")
    assert not page.get_by_label("largest change").is_visible()
    before = cards(page)["before"][0]
    attack(page)
    for name in ("none", "another"):
        image, words = cards(page)[name]
        assert "not convinced: 0 of 10" in words
        assert re.search(r"fooled: “1”, 99.99 %", words)
        assert float(fk.models.predict(networks[name], image)[0, 1]) > 0.999
        assert 0 < (image - before).abs().mean() < 0.2


def test_another_digit_shows_what_was_counted(open_page, server, networks, digits):
    images, labels = digits
    page = open_page(server)
    attack(page)
    words = cards(page)["another"][1]
    page.get_by_role("combobox", name="digit").select_option("17")
    found = cards(page)
    assert said(page).startswith("Digit 18, a 5. none: ")
    expected = fk.gradients.fgsm(networks["another"], images, labels, epsilon=EPSILON)
    off = (found["another"][0] - expected.images[17:18]).abs() > 0.51 / 255
    assert off.float().mean() < 0.01
    agrees(found["another"][1], networks["another"], found["another"][0], int(labels[17]))
    assert still_right(found["another"][1]) == still_right(words)


def test_a_guess_is_answered(open_page, server):
    page = open_page(server)
    page.get_by_label("which will stand best?").select_option("none")
    attack(page)
    counts = {name: still_right(cards(page)[name][1])[0] for name in ("none", "another")}
    if counts["none"] < counts["another"]:
        assert said(page).endswith("You guessed none; another stood better.")
    else:
        assert "Your guess, none, stood" in said(page)


def test_it_can_be_stopped(open_page, server):
    page = open_page(server)
    page.locator("select").first.select_option("pgd")
    set_slider(page, "steps", 100)
    page.get_by_role("button", name="Attack").click()
    page.wait_for_function(
        "() => /still right/.test(document.querySelector('.fk-stand').textContent)"
    )
    page.get_by_role("button", name="Stop").click()
    assert said(page) == "Stopped."
    counted = cards(page)["none"][1]
    assert re.search(r"still right: \d+ of [1-9]\d? ", counted)
    page.wait_for_timeout(300)
    assert cards(page)["none"][1] == counted
    assert said(page) == "Stopped."


def test_an_attack_without_a_gradient_is_no_victory(open_page, server, digits):
    """One network's weights are changed on their way, so that its slopes vanish in float32."""
    images, labels = digits
    name = "lenet-b"
    content = b64encode(save(scaled(name))).decode()
    page = open_page(server)
    page.route(
        f"**/{name}.safetensors.js",
        lambda route: route.fulfill(
            content_type="text/javascript",
            body=f'foolkitFile("{name}.safetensors", "{content}")',
        ),
    )
    net = saturated(name)
    none = without_slope(net, images, labels)
    with pytest.warns(UserWarning, match="is exactly zero"):
        expected = fk.gradients.fgsm(net, images, labels, epsilon=EPSILON)
    blind = int((none & ~expected.success).sum())
    assert blind > 15
    assert none[4]
    attack(page)
    image, words = cards(page)["another"]
    assert torch.equal(image, images[4:5])
    assert words.startswith("untested, the gradient is zero: “1”")
    right, told = map(int, re.search(r"still right: (\d+) of 30, (\d+) untested", words).groups())
    assert abs(told - blind) <= 1
    assert abs(right - int((~none & ~expected.success).sum())) <= 1
    assert "Where the gradient is zero, this attack proves nothing" in said(page)
    assert "untested" not in cards(page)["none"][1]


def test_weights_that_are_missing_are_an_error_in_words(open_page, server):
    page, aborted = open_page(server), []
    page.route(
        "**/lenet-b.safetensors.js",
        lambda route: (aborted.append(route.request.url), route.abort()),
    )
    page.get_by_role("button", name="Attack").click()
    page.get_by_text("This attack could not start").wait_for()
    assert "the file lenet-b.safetensors of this site did not load" in said(page)
    assert len(aborted) == 1
    page.get_by_role("checkbox", name="another").uncheck()
    attack(page)
    assert list(cards(page)) == ["before", "none"]


def test_by_keyboard_alone(open_page, server):
    page = open_page(server)
    page.get_by_role("checkbox", name="none", exact=True).focus()
    page.keyboard.press("Space")  # off
    assert list(cards(page)) == ["before", "another"]
    for _ in range(3):  # half, attack
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert page.get_by_role("slider", name="steps").is_visible()
    page.keyboard.press("ArrowUp")
    for _ in range(2):
        page.keyboard.press("Tab")
    for _ in range(40):
        page.keyboard.press("ArrowLeft")
    assert page.get_by_label("largest change").get_attribute("aria-valuetext") == "0.00"
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function(DONE)
    right, before = still_right(cards(page)["another"][1])
    assert right == before  # nothing was changed
    page.get_by_role("checkbox", name="another").uncheck()
    page.get_by_role("button", name="Attack").click()
    assert said(page) == "Tick a defence first."


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(open_page, server, theme, serious_violations):
    page = open_page(server, theme=theme)
    assert serious_violations(page) == []
    page.get_by_role("button", name="Attack").click()
    page.wait_for_function(DONE)
    page.locator("select").first.select_option("pgd")
    assert serious_violations(page) == []


def test_with_a_finger_on_a_telephone(open_page, site, assert_clean):
    page = open_page(site, width=360, has_touch=True, is_mobile=True)
    page.get_by_role("checkbox", name="half").tap()
    page.locator("select").first.select_option("pgd")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("select").first.select_option("fgsm")
    page.get_by_role("button", name="Attack").tap()
    page.wait_for_function(DONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert_clean(page, site)


def test_every_control_shows_that_it_has_the_focus(open_page, server, without_focus_ring):
    page = open_page(server)
    page.locator("select").first.select_option("pgd")
    controls = page.locator(".fk-bench").locator("button, select, input")
    assert controls.count() == 11
    assert without_focus_ring(page, controls) == []
