"""What several test files share: a browser that watches its pages, and a run that is killed."""

import functools
import http.server
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from copy import deepcopy
from itertools import islice
from pathlib import Path

import nbformat
import pytest
from filelock import FileLock
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import sync_playwright

from tools import chapters

ROOT = Path(__file__).resolve().parent.parent
ARTEFACTS = ROOT / "_build" / "screenshots"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
# The theme declares a constant twice, and reports a theme mode that it sets itself a moment later.
HARMLESS = ("THEBE_JS_URL", "invalid theme mode", "favicon")

KILLED = """
import sys, time
import foolkit as fk
from foolkit.evolution import map_elites
map_elites.SAVE_EVERY = 0.0  # a checkpoint after every generation
net = fk.models.load("lenet")
def slowly(search):
    print(search.generation, flush=True)
    time.sleep(0.02)
fk.evolve(net, {encoding}, generations=10_000, seed=5, batch=50,
          progress=False, callback=slowly, checkpoint=sys.argv[1])
"""


@pytest.fixture
def kill_at(tmp_path):
    """Evolves in a process of its own, and kills it; returns the path of its checkpoint.

    ``encoding`` is Python source, in which ``net`` is the shipped LeNet.
    """

    def run(encoding, generation):
        path = tmp_path / "run.safetensors"
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED.format(encoding=encoding), str(path)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for line in process.stdout:
            if int(line) == generation:
                break
        process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        process.wait()
        process.stdout.close()
        return path

    return run


@pytest.fixture(scope="module")  # Playwright bears no second one beside it
def browser():
    """A headless browser; without one the test is skipped, or is an error where CI is set."""
    if not os.environ.get("FOOLKIT_BROWSER"):
        if os.environ.get("CI"):
            raise RuntimeError("CI: expected a browser (FOOLKIT_BROWSER), found none")
        pytest.skip("no Chrome, Chromium or Edge found")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=os.environ["FOOLKIT_BROWSER"], args=FLAGS
        )
        yield running
        running.close()


@pytest.fixture(scope="session")
def serving():
    """``with serving(folder) as address``: the folder on a local port."""

    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    @contextmanager
    def serve(folder):
        handler = functools.partial(Silent, directory=str(folder))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()

    return serve


@pytest.fixture(scope="module")
def watched(browser):
    """A new page; what it asks for (``asked``) and complains of (``complaints``) is kept."""

    def new_page(*, theme="light", width=1280, reading=None, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        context.add_init_script(
            f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}')"
        )
        if reading:  # story or lab, as the reader chose before
            context.add_init_script(f"localStorage.setItem('reading', '{reading}')")
        page = context.new_page()
        page.set_default_timeout(90_000)  # milliseconds: a page that breeds, on a busy machine
        page.asked, page.complaints = [], []
        page.on("request", lambda asked: page.asked.append(asked.url))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: message.type == "error" and page.complaints.append(message.text),
        )
        return page

    return new_page


@pytest.fixture(scope="session")
def closing(request):
    """``with closing(pages, name):`` pages are closed, and pictured first if a test failed.

    ``pages`` is a list, which may grow meanwhile.
    """

    @contextmanager
    def kept(pages, name):
        failures, failed = request.session.testsfailed, True
        try:
            yield
            failed = request.session.testsfailed > failures
        finally:
            for number, page in enumerate(pages):
                if failed:
                    words = "".join(c if c.isalnum() else "-" for c in name)
                    page.screenshot(path=ARTEFACTS / f"{words}-{number}.png")
                page.context.close()

    return kept


@pytest.fixture
def visit(watched, closing, request):
    """Opens a page for one test; a screenshot of every page is kept if the test fails."""
    pages = []

    def open_page(url, **options):
        page = watched(**options)
        pages.append(page)  # before it is loaded, which may fail
        page.goto(url, wait_until="load")
        return page

    with closing(pages, request.node.name):
        yield open_page


@pytest.fixture(scope="session")
def assert_clean():
    """Fails if a page asked for something outside its site, or complained."""

    def check(page, site):
        inside = (site, "data:", "blob:")
        assert [url for url in page.asked if not url.startswith(inside)] == []
        assert [c for c in page.complaints if not any(known in c for known in HARMLESS)] == []

    return check


@pytest.fixture(scope="session")
def serious_violations():
    """What axe finds in a page's article, serious or critical, but in ``exclude``.

    ``only`` names the rules that are asked, else all are.
    """
    from axe_playwright_python.sync_playwright import Axe

    def find(page, exclude=(), only=None):
        scope = {"include": [["main article"]], "exclude": [[selector] for selector in exclude]}
        options = {"resultTypes": ["violations"], **({"runOnly": only} if only else {})}
        found = Axe().run(page, context=scope, options=options).response["violations"]
        serious = [v for v in found if v["impact"] in ("serious", "critical")]
        return [(v["id"], [node["html"][:120] for node in v["nodes"]][:3]) for v in serious]

    return find


@pytest.fixture(scope="session")
def small_book():
    """``small_book(root, pages)``: a book with the project's own host, executed in place.

    ``pages`` names the sources of each chapter's cells; one chapter is ``index``. All are executed
    in one kernel, one after the other. Returns the folder of the chapters.
    """

    def make(root, pages):
        (root / "book" / "assets").mkdir(parents=True)
        for name in ("anywidget-host.js", "book.css", "logo.svg"):
            shutil.copy(ROOT / "book" / "assets" / name, root / "book" / "assets")
        others = "".join(f"  - file: {name}\n" for name in pages if name != "index")
        (root / "book" / "_toc.yml").write_text(
            "format: jb-book\nroot: index\n" + (f"chapters:\n{others}" if others else "")
        )
        (root / "_config.yml").write_text(
            "title: tiny\nonly_build_toc_files: true\nexecute:\n  execute_notebooks: 'off'\n"
            "html:\n  favicon: assets/logo.svg\n"
            "sphinx:\n  config:\n    html_static_path: [assets]\n    html_css_files: [book.css]\n"
            "    nb_ipywidgets_js:\n      anywidget-host.js: {defer: defer}\n"
        )
        everything = root / "everything.ipynb"
        cells = [new_code_cell(source) for sources in pages.values() for source in sources]
        nbformat.write(new_notebook(cells=cells), everything)
        chapters.execute(everything)
        executed = nbformat.read(everything, as_version=4)
        left = iter(executed.cells)
        for name, sources in pages.items():
            # without the file that ``shared_html`` names: too long for a telephone
            title = new_markdown_cell(f"# What is {name.rpartition('-')[2]}?")
            cells = [title, *islice(left, len(sources))]
            page = new_notebook(cells=cells, metadata=deepcopy(executed.metadata))
            nbformat.write(chapters.normalise(page), root / "book" / f"{name}.ipynb")
        return root / "book"

    return make


@pytest.fixture(scope="session")
def built():
    """``built(book)``: the folder of the pages of a book that was executed."""

    def build(book):
        root = book.parent
        return chapters.make_book(book, root / "_build", root / "_config.yml", run=False).parent

    return build


@pytest.fixture(scope="session")
def shared_html(request, tmp_path_factory, small_book, built):
    """The pages of all test files that name ``WIDGET_PAGES``, as one book: each takes ten seconds.

    Of page ``index`` of file ``test_x`` the page ``test_x-index``. The first worker builds it.
    """
    modules = {getattr(item, "module", None) for item in request.session.items}
    pages = {
        f"{module.__name__.rpartition('.')[2]}-{name}": sources
        for module in sorted(modules - {None}, key=lambda module: module.__name__)
        for name, sources in getattr(module, "WIDGET_PAGES", {}).items()
    }
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # that of all workers
    done = folder / "shared"
    with FileLock(folder / "shared.lock"):
        if not done.exists():
            html = built(small_book(tmp_path_factory.mktemp("shared"), {"index": [], **pages}))
            done.symlink_to(html, target_is_directory=True)
    return done


@pytest.fixture(scope="module")
def html(request, tmp_path_factory, shared_html):
    """The built pages of the test file's ``WIDGET_PAGES``, in a folder of their own."""
    folder = tmp_path_factory.mktemp("pages")
    name = request.module.__name__.rpartition(".")[2]
    for path in shared_html.iterdir():
        if path.suffix != ".html":
            (folder / path.name).symlink_to(path)
        elif path.stem.startswith(f"{name}-"):
            shutil.copy(path, folder / path.name.removeprefix(f"{name}-"))
    return folder


@pytest.fixture(scope="module")
def server(html, serving):
    """The address of the module's ``html``, a folder of pages, on a local port."""
    with serving(html) as address:
        yield address


@pytest.fixture(params=["http", "file"])
def site(request, html, server):
    """The address of the module's pages, on a server and on disk."""
    return server if request.param == "http" else html.as_uri()


@pytest.fixture(scope="session")
def wait_for_widgets():
    """Scrolls to each widget of a page, which then starts, and back; waits until all are ready."""

    def wait(page):
        for place in page.locator(".book-widget").all():
            place.scroll_into_view_if_needed()
            place.locator(".fk-widget[data-ready]").first.wait_for(state="attached")
        page.evaluate("scrollTo({top: 0, behavior: 'instant'})")

    return wait


@pytest.fixture(scope="session")
def without_focus_ring():
    """The controls of a page, given by a locator, on which the focus cannot be seen."""

    def lacking(page, controls):
        found = []
        for control in controls.all():
            control.focus()
            page.keyboard.press("Shift")  # the browser shows the focus of who uses a keyboard
            style = control.evaluate("e => getComputedStyle(e).outlineStyle + e.matches(':focus')")
            if style != "solidtrue":
                found.append(control.evaluate("e => e.outerHTML"))
        return found

    return lacking
