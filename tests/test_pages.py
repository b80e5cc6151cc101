"""The built pages in a real browser: offline, linked, described, usable."""

import functools
import http.server
import os
import threading
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

HTML = Path(__file__).resolve().parent.parent / "_build" / "html"
PAGES = sorted(p.stem for p in HTML.glob("*.html") if p.stem not in ("genindex", "search"))
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
# The theme declares a constant twice, and reports a theme mode that it sets itself a moment later.
HARMLESS = ("THEBE_JS_URL", "invalid theme mode", "favicon")

if not PAGES:
    pytestmark = pytest.mark.skip(reason="no built pages: run `make html` first")
elif not os.environ.get("FOOLKIT_BROWSER"):
    if os.environ.get("CI"):
        raise RuntimeError("CI: expected a browser (FOOLKIT_BROWSER), found none")
    pytestmark = pytest.mark.skip(reason="no Chrome, Chromium or Edge found")

each_page = pytest.mark.parametrize("name", PAGES)


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=os.environ["FOOLKIT_BROWSER"], args=FLAGS
        )
        yield running
        running.close()


@pytest.fixture(scope="module")
def site():
    """The built book on a local port."""

    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Silent, directory=str(HTML))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def visit(browser):
    """Opens a page and watches what it asks for and complains of."""
    contexts = []

    def open_page(url, width=1280, theme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900})
        contexts.append(context)
        context.add_init_script(
            f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}')"
        )
        page = context.new_page()
        page.asked, page.complaints = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: message.type == "error" and page.complaints.append(message.text),
        )
        page.goto(url, wait_until="load")
        page.wait_for_timeout(200)
        return page

    yield open_page
    for context in contexts:
        context.close()


@each_page
def test_asks_for_nothing_outside_and_has_no_errors(visit, site, name):
    for start in (site, HTML.as_uri()):
        page = visit(f"{start}/{name}.html")
        inside = (start, "data:", "blob:")
        assert [url for url in page.asked if not url.startswith(inside)] == []
        assert [c for c in page.complaints if not any(known in c for known in HARMLESS)] == []


@each_page
def test_is_a_readable_document(visit, site, name):
    page = visit(f"{site}/{name}.html")
    assert page.locator("main article h1").count() == 1
    for image in page.locator("main img").all():
        assert image.get_attribute("alt").strip()
    for figure in page.locator("main figure").all():
        assert figure.locator("figcaption").text_content().strip()
        if figure.locator("xpath=ancestor::details[not(@open)]").count():
            continue  # in a solution, still folded
        assert figure.locator("img:visible").count() == 1
        assert figure.locator("img:visible").evaluate("image => image.naturalWidth") > 0
    assert page.locator("mjx-container").count() == page.locator("main .math").count()


@each_page
def test_links_lead_somewhere(visit, site, name):
    page = visit(f"{site}/{name}.html")
    targets = page.eval_on_selector_all("main a[href]", "all => all.map(a => a.href)")
    for url in {target for target in targets if target.startswith(site)}:
        file, _, anchor = url.removeprefix(site + "/").partition("#")
        assert (HTML / file).is_file(), url
        if anchor and file.endswith(".html"):
            assert f'id="{anchor}"' in (HTML / file).read_text("utf-8"), url


@each_page
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(visit, site, name, theme):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(f"{site}/{name}.html", theme=theme)
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    # docutils marks the entries of a bibliography by a role that axe does not know in a list
    scope = {"include": [["main article"]], "exclude": [[".citation-list"]]}
    found = Axe().run(page, context=scope).response["violations"]
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [node["html"][:120] for node in v["nodes"]][:3]) for v in serious] == []


@each_page
def test_fits_a_telephone(visit, site, name):
    page = visit(f"{site}/{name}.html", width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
