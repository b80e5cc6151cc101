"""A page in a real browser with the widgets' JavaScript loaded, and nothing else."""

import json
from base64 import b64encode

import pytest

import foolkit as fk
from foolkit.models import shipped
from foolkit.widgets import modules

ENGINE = ("numbers.js", "weights.js", "network.js", "loss_gradient.js", "attack.js", "random.js")
SEARCH = ("mutation.js", "pixels.js", "evolution.js")
WORDS = ("confidence.js", "pictures.js")


CALL = """async ([source, given]) => {
    const found = (0, eval)(`(${source})`);
    return JSON.stringify(await (typeof found === "function" ? found(JSON.parse(given)) : found));
}"""


@pytest.fixture(scope="session")
def evaluating():
    """``page.evaluate`` with all numbers as one text: Playwright wraps each, which takes longer."""

    def of(page):
        def evaluate(source, given=None):
            told = page.evaluate(CALL, [source, json.dumps(given)])
            return None if told is None else json.loads(told)

        return evaluate

    return of


@pytest.fixture(scope="module")
def engine(browser, request, evaluating):
    """Evaluates JavaScript where ``net`` is the shipped LeNet and ``E`` holds the functions.

    A test module may name more ``MODULES`` whose functions it needs.
    """
    page = browser.new_page()
    names = (*ENGINE, *SEARCH, *WORDS, *getattr(request.module, "MODULES", ()))
    page.add_script_tag(content=f"globalThis.E = {modules.expression(*names)}")
    weights = b64encode((shipped.WEIGHTS / "lenet.safetensors").read_bytes()).decode()
    page.evaluate(
        "text => { const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));"
        " globalThis.net = new E.LeNet(E.readSafetensors(new DataView(bytes.buffer))) }",
        weights,
    )
    yield evaluating(page)
    page.close()


@pytest.fixture(scope="session")
def lenet():
    """The shipped network."""
    return fk.models.load("lenet")


@pytest.fixture
def open_page(visit, request):
    """Opens a page of that book, and waits for the module's ``WIDGET``, a class of CSS."""

    def opened(site, name="index", **options):
        page = visit(f"{site}/{name}.html", **options)
        page.locator(f".{request.module.WIDGET}[data-ready]").wait_for()
        return page

    return opened
