"""A page in a real browser with the widgets' JavaScript loaded, and nothing else."""

import os
from base64 import b64encode

import pytest
from playwright.sync_api import sync_playwright

import foolkit as fk
from foolkit.models import shipped
from foolkit.widgets import base

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
NAMES = (
    "LeNet, readSafetensors, float16, softmax, lossGradient, fool, Random, mutate, render,"
    " MapElites, median, percent, CLASS_COLOURS, CERTAIN, fromBytes, toBytes"
)


@pytest.fixture(scope="module")  # Playwright bears no second one beside it
def engine():
    """Evaluates JavaScript where ``net`` is the shipped LeNet and ``E`` holds the functions."""
    if not os.environ.get("FOOLKIT_BROWSER"):
        if os.environ.get("CI"):
            raise RuntimeError("CI: expected a browser (FOOLKIT_BROWSER), found none")
        pytest.skip("no Chrome, Chromium or Edge found")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ["FOOLKIT_BROWSER"], args=FLAGS
        )
        page = browser.new_page()
        source = base.module("network", "attack", "evolution", "page")
        page.add_script_tag(
            content=f"globalThis.E = (() => {{ {source}; return {{ {NAMES} }} }})()"
        )
        weights = b64encode((shipped.WEIGHTS / "lenet.safetensors").read_bytes()).decode()
        page.evaluate(
            "text => { const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));"
            " globalThis.net = new E.LeNet(E.readSafetensors(new DataView(bytes.buffer))) }",
            weights,
        )
        yield page.evaluate
        browser.close()


@pytest.fixture(scope="session")
def lenet():
    """The shipped network."""
    return fk.models.load("lenet")
