"""The widgets' network in a browser: images and gradients a second, and what a reader waits for."""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ipywidgets.embed import embed_data
from playwright.sync_api import Page, sync_playwright

import foolkit as fk
from foolkit.models import shipped
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
    rates = page.evaluate(ENGINE, weights)
    forward, backward = ([rate[n] for rate in rates] for n in (0, 1))
    detail = "median of five seconds, one image at a time; from {:,.0f} to {:,.0f}"
    return [
        {
            "name": name,
            "value": statistics.median(values),
            "bar": bar,
            "unit": "images/s",
            "detail": detail.format(min(values), max(values)),
        }
        for name, values, bar in (
            ("page: LeNet forward", forward, 400),
            ("page: LeNet forward and gradient of the pixels", backward, 250),
        )
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
        write_weights(root, {widget.network})
        (root / "index.html").write_text(
            '<!doctype html><meta charset="utf-8"><title>bench</title><body>'
            f"{script('state', state)}{script('view', view)}"
            f'<script defer src="{HOST.name}"></script>',
            "utf-8",
        )
        yield (root / "index.html").as_uri()
