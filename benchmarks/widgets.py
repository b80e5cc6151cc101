"""The widgets' network in a browser: images and gradients a second, and what a reader waits for."""

from __future__ import annotations

import io
import json
import math
import os
import statistics
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ipywidgets.embed import embed_data
from PIL import Image
from playwright.sync_api import Page, sync_playwright

import foolkit as fk
from foolkit.models import shipped, squeezenet
from foolkit.widgets import base, modules
from tools.book import find_browser
from tools.chapters import write_weights

HOST = Path(__file__).resolve().parent.parent / "book" / "assets" / "anywidget-host.js"
KIND = "application/vnd.jupyter.widget-"
ROUNDS = 7
Row = dict[str, Any]

ENGINE = """text => {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const net = new E.LeNet(E.readSafetensors(new DataView(bytes.buffer)));
    const random = new E.Random(0), direction = [1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    const image = Float64Array.from({ length: 784 }, () => random.next());
    const rate = (work) => {
        const start = performance.now();
        let count = 0;
        for (; performance.now() - start < 1000; count += 20) for (let n = 0; n < 20; n++) work();
        return 1000 * count / (performance.now() - start);
    };
    const forward = () => net.logits(image);
    const backward = () => { net.logits(image); net.gradient(direction) };
    rate(forward); rate(backward);
    return [0, 1, 2, 3, 4].map(() => [rate(forward), rate(backward)]);
}"""

PHOTOGRAPHS = """text => {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const net = E.squeezeNet(E.readSafetensors(new DataView(bytes.buffer)));
    const random = new E.Random(0);
    const image = Float32Array.from({ length: 3 * 224 * 224 }, () => random.next());
    const rate = (work) => {
        const start = performance.now();
        let count = 0;
        for (; performance.now() - start < 2000; count++) work();
        return 1000 * count / (performance.now() - start);
    };
    const forward = () => net.logits(image, 224);
    const backward = () => net.gradient(image, 224, E.logProbabilityOf(9));
    forward(); backward();
    return [0, 1, 2, 3, 4].map(() => [rate(forward), rate(backward)]);
}"""

# A reader's file in the page and the press, to the words
OSTRICH = """([text]) => new Promise((resolve) => {
    const status = document.querySelector(".fk-status"), start = performance.now();
    const press = () => [...document.querySelectorAll("button")]
        .find((one) => one.textContent === "Fool it").click();
    let pressed = false;
    new MutationObserver((_, observer) => {
        if (!pressed && status.textContent.startsWith("The network calls")) {
            pressed = true;
            press();
        } else if (/^(Fooled|Not fooled)/.test(status.textContent)) {
            observer.disconnect();
            resolve([performance.now() - start, status.textContent.startsWith("Fooled")]);
        }
    }).observe(status, { childList: true });
    const data = new DataTransfer(), bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    data.items.add(new File([bytes], "own.jpg", { type: "image/jpeg" }));
    document.querySelector(".fk-drop").dispatchEvent(
        new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
})"""

# From the press to the words, by the page's own clock
FOOL = """([digit]) => new Promise((resolve) => {
    const press = (name) => [...document.querySelectorAll(".fk-widget button")]
        .find((one) => (one.getAttribute("aria-label") ?? one.textContent) === name).click();
    const status = document.querySelector(".fk-status");
    press(`a real ${digit}`);
    setTimeout(() => {
        const start = performance.now();
        new MutationObserver((_, observer) => {
            if (!/Fooled|Still/.test(status.textContent)) return;
            observer.disconnect();
            resolve([performance.now() - start, status.textContent.startsWith("Fooled")]);
        }).observe(status, { childList: true });
        press("Fool it");
    }, 50);
})"""


def rows() -> list[Row]:
    """The engine alone, and each widget as a reader meets it; nothing without a browser."""
    executable = os.environ.get("FOOLKIT_BROWSER") or find_browser()
    if not executable:
        print("widgets: no Chrome, Chromium or Edge found, nothing measured")
        return []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            return [
                *_engine(browser.new_page()),
                *_photographs(browser.new_page),
                *_fooling(browser.new_page),
                _breeding(browser, "evolution", fk.widgets.Breed(batch=50)),
                _breeding(browser, "evolution of patterns", fk.widgets.BreedPatterns(batch=50)),
            ]
        finally:
            browser.close()


def _engine(page: Page) -> list[Row]:
    source = modules.expression("network.js", "weights.js", "random.js")
    page.add_script_tag(content=f"globalThis.E = {source}")
    weights = b64encode((shipped.WEIGHTS / "lenet.safetensors").read_bytes()).decode()
    return _rates(
        page.evaluate(ENGINE, weights),
        ("page: LeNet forward", 400),
        ("page: LeNet forward and gradient of the pixels", 250),
    )


def _rates(rates: list[list[float]], *rows: tuple[str, float]) -> list[Row]:
    detail = "median of five runs, one image at a time; from {:,.1f} to {:,.1f}"
    columns = zip(*rates, strict=True)
    return [
        {
            "name": name,
            "value": statistics.median(values),
            "bar": bar,
            "unit": "images/s",
            "detail": detail.format(min(values), max(values)),
        }
        for (name, bar), values in zip(rows, columns, strict=True)
    ]


def _photographs(new_page: Callable[[], Page]) -> list[Row]:
    page = new_page()
    page.add_script_tag(
        content=f"globalThis.E = {modules.expression('squeezenet.js', 'weights.js', 'random.js')}"
    )
    rates = page.evaluate(PHOTOGRAPHS, b64encode(squeezenet.float16_weights()).decode())
    page.close()
    images, _ = fk.data.embedded_photographs((3, 600, 800))  # as large as a reader's own may be
    times = []
    with _site(fk.widgets.FoolPhotograph()) as address:
        for image in images[:ROUNDS]:
            file = io.BytesIO()
            pixels = (image * 255).round().byte().permute(1, 2, 0).numpy()
            Image.fromarray(pixels).save(file, "JPEG", quality=95)
            page = new_page()
            page.goto(address)
            page.wait_for_selector("[data-ready]")
            times.append(page.evaluate(OSTRICH, [b64encode(file.getvalue()).decode()]))
            page.close()
    taken = [milliseconds / 1000 for milliseconds, fooled in times if fooled]
    return [
        *_rates(
            rates,
            ("page: SqueezeNet 1.1 at 224 pixels, forward", 3),
            ("page: SqueezeNet 1.1 at 224 pixels, gradient of the pixels", 1),
        ),
        {
            "name": "page: a reader's own photograph an ostrich, loading included",
            "value": statistics.median(taken) if taken else math.inf,
            "bar": 10,
            "unit": "s (lower is better)",
            "detail": f"{len(taken)} of {len(times)} fooled; slowest {max(taken, default=0):.1f} s",
            "lower": True,
        },
    ]


def _fooling(new_page: Callable[[], Page]) -> list[Row]:
    with _site(fk.widgets.DrawAndFool()) as address:
        ready = []
        for _ in range(ROUNDS):
            page = new_page()
            page.goto(address)
            page.wait_for_selector("[data-ready]", timeout=30_000)
            ready.append(page.evaluate("() => performance.now()") / 1000)
        times = [page.evaluate(FOOL, [digit]) for _ in range(3) for digit in range(10)]
    taken = [milliseconds for milliseconds, fooled in times if fooled]
    return [
        {
            "name": "page: a digit fooled, from the press to the answer",
            "value": statistics.median(taken),
            "bar": 100,
            "unit": "ms (lower is better)",
            "detail": f"{len(taken)} of {len(times)} fooled; slowest {max(taken):.0f} ms",
            "lower": True,
        },
        {
            "name": "page: ready to be used, from the navigation, from disk",
            "value": statistics.median(ready),
            "bar": 2.5,
            "unit": "s (lower is better)",
            "detail": f"a page without the theme; slowest {max(ready):.2f} s",
            "lower": True,
        },
    ]


def _breeding(browser: Any, what: str, widget: base.Widget) -> Row:
    rates = []
    with _site(widget) as address:
        for _ in range(3):
            page = browser.new_page()
            page.goto(address)
            page.wait_for_selector("[data-ready]")
            page.get_by_role("button", name="Start", exact=True).click()
            page.wait_for_timeout(1500)
            first = _generation(page)
            page.wait_for_timeout(3000)
            second = _generation(page)
            rates.append(1000 * (second[0] - first[0]) / (second[1] - first[1]))
            page.close()
    return {
        "name": f"page: {what} shown, population 50",
        "value": statistics.median(rates),
        "bar": 5,
        "unit": "generations/s",
        "detail": f"three runs of three seconds, {min(rates):.1f} to {max(rates):.1f}",
    }


def _generation(page: Page) -> list[float]:
    return page.evaluate(
        "() => [Number(document.querySelector('.fk-title').textContent.split(' ')[1]),"
        " performance.now()]"
    )


@contextmanager
def _site(widget: base.Widget) -> Iterator[str]:
    """A page on disk with one widget, as the book's build makes it but for the theme."""
    data = embed_data(views=[widget], drop_defaults=False)
    state, (view,) = data["manager_state"], data["view_specs"]

    def script(kind: str, content: Any) -> str:
        text = json.dumps(content).replace("<", "\\u003c")
        return f'<script type="{KIND}{kind}+json">{text}</script>'

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / HOST.name).write_text(HOST.read_text("utf-8"), "utf-8")
        write_weights(root, {name for name in (widget.network, *widget.networks) if name})
        (root / "index.html").write_text(
            '<!doctype html><meta charset="utf-8"><title>bench</title><body>'
            f"{script('state', state)}{script('view', view)}"
            f'<script defer src="{HOST.name}"></script>',
            "utf-8",
        )
        yield (root / "index.html").as_uri()
