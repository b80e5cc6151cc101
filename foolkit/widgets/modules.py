"""Several JavaScript modules as one text, which runs where imports cannot reach.

A widget's ``_esm`` arrives in the page as a text without an address: it cannot import its
neighbours, neither in Jupyter nor in a page opened from disk. So each module becomes a function
that returns what it exports, below those that it imports, and an import a line that takes names
from there::

    const $network = (() => { ... return { LeNet, softmax }; })();
    const $breed = (() => { const { LeNet } = $network; ... return { default: $default }; })();

Only the forms of ``import`` and ``export`` that the widgets use are known; each begins its line:

* ``import { name, other as alias } from "./file.js";``, above all other code
* ``import name from "./file.js?text";``: the joined source of a module and all that it imports, as
  a string; for a worker: ``new Worker(URL.createObjectURL(new Blob([name])))``
* ``export function``, ``export function*``, ``export async function``, ``export class``,
  ``export const name =``, and one ``export default``

Anything else is a ``SyntaxError`` with its file and line. Code is read line by line, not
understood: no line of a text between backticks may begin with ``import`` or ``export``.

Types, in ``/** ... */``, are for the checker and stay here: a notebook keeps the text of every
widget that it shows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Protocol, cast


class Folder(Traversable, Hashable, Protocol):
    """Where modules lie; hashable, as every path is, so that what was read is read once."""


SOURCES = cast(Folder, files("foolkit.widgets"))

STATEMENT = re.compile(r"^(?:import|export)\b", re.MULTILINE)
NAME = r"[A-Za-z_$][\w$]*"
PATH = r'"\./([\w-]+\.js)"'
NAMES = re.compile(rf"import \{{([^{{}}]*)\}} from {PATH};")
ONE = re.compile(rf"({NAME})(?: as ({NAME}))?")
TEXT = re.compile(rf'import ({NAME}) from "\./([\w-]+\.js)\?text";')
EXPORT = re.compile(rf"export ((?:async )?function ?\*? ?|class |const )({NAME})\b(?=(\s*=)?)")
DEFAULT = re.compile(r"export default (?=\S)")
ELSEWHERE = re.compile(r"\bimport\s*[.(]")
TYPES = re.compile(
    r"^[ \t]*(?:/\*\*.*?\*/|// @ts-check)[ \t]*\n|/\*\* @(?:(?!\*/).)*\*/ ",
    re.MULTILINE | re.DOTALL,
)
COMMENT = re.compile(r"\s*(?://[^\n]*|/\*.*?\*/)", re.DOTALL)


@dataclass(frozen=True)
class Module:
    """A source file, read.

    Attributes:
        name: of the file.
        imports: by the modules that it needs, in order: the names that it takes from each, and
            the line where it does.
        texts: the modules whose source it takes as a string.
        exports: the names that it offers.
        code: its text; instead of imports and exports, lines of an ordinary function.
    """

    name: str
    imports: tuple[tuple[str, tuple[str, ...], int], ...]
    texts: tuple[str, ...]
    exports: tuple[str, ...]
    code: str


def variable(name: str) -> str:
    """The variable that holds a module's exports."""
    return "$" + re.sub(r"\W", "_", name.removesuffix(".js"))


@cache
def parse(name: str, folder: Folder = SOURCES) -> Module:
    """Read a module.

    Raises:
        SyntaxError: it imports or exports in a way that is not known here.
        FileNotFoundError: there is no such file in the folder.
    """
    source = folder.joinpath(name).read_text("utf-8")
    imports: list[tuple[str, tuple[str, ...], int]] = []
    texts: list[str] = []
    exports: list[str] = []
    code, at, began = "", 0, False  # began: other code than imports has been seen

    def refuse(place: int, what: str) -> SyntaxError:
        line = source.count("\n", 0, place) + 1
        shown = source.splitlines()[line - 1].strip()
        return SyntaxError(f"{name}, line {line}: {what}: {shown}")

    for found in STATEMENT.finditer(source):
        start = found.start()
        if start < at:
            raise refuse(start, "an import within another")
        between = source[at:start]
        began = began or bool(COMMENT.sub("", between).strip())
        code += between
        if names := NAMES.match(source, start):
            pairs = [ONE.fullmatch(part.strip()) for part in names[1].strip(" ,\n").split(",")]
            if not all(pairs):
                raise refuse(start, "expected names between the braces")
            taken = tuple(pair[1] for pair in pairs if pair)
            imports.append((names[2], taken, source.count("\n", 0, start) + 1))
            within = re.sub(rf"\b({NAME}) as ", r"\1: ", names[1])
            code += f"const {{{within}}} = {variable(names[2])};"
            end = names.end()
        elif text := TEXT.match(source, start):
            texts.append(text[2])
            code += f"const {text[1]} = {variable(text[2])}_text;"
            end = text.end()
        elif (one := EXPORT.match(source, start)) and (one[1] != "const " or one[3]):
            exports.append(one[2])
            code, end = code + one[1] + one[2], one.end()
        elif default := DEFAULT.match(source, start):
            exports.append("default")
            code, end = code + "const $default = ", default.end()
        else:
            raise refuse(start, "this form of import or export cannot be joined")
        if source.startswith("import", start) and began:
            raise refuse(start, "imports come before all other code")
        if source.startswith("export", start):
            began = True
        at = end
    code += source[at:]
    if twice := {one for one in exports if exports.count(one) > 1}:
        raise SyntaxError(f"{name}: exported twice: {', '.join(sorted(twice))}")
    for number, line in enumerate(source.splitlines(), 1):
        if ELSEWHERE.search(line.partition("//")[0]) and not line.lstrip().startswith(("*", "/*")):
            raise SyntaxError(f"{name}, line {number}: cannot be joined: {line.strip()}")
    return Module(name, tuple(imports), tuple(texts), tuple(exports), code)


def graph(entries: tuple[str, ...], folder: Folder = SOURCES) -> list[Module]:
    """The entries and all that they import, each after what it imports.

    Raises:
        SyntaxError: modules import each other in a circle, or a name that is not exported.
        FileNotFoundError: an imported file does not exist.
    """
    order: dict[str, Module] = {}

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise SyntaxError(f"a circle of imports: {' -> '.join((*above, name))}")
        if name in order:
            return
        module = parse(name, folder)
        for needed, names, line in module.imports:
            if not folder.joinpath(needed).is_file():
                raise FileNotFoundError(f"{name}, line {line}: no file {needed}")
            visit(needed, (*above, name))
            if missing := set(names) - set(order[needed].exports):
                raise SyntaxError(
                    f"{name}, line {line}: {needed} does not export {', '.join(sorted(missing))}"
                )
        order[name] = module

    for entry in entries:
        visit(entry, ())
    return list(order.values())


@cache
def joined(*entries: str, folder: Folder = SOURCES) -> str:
    """The modules ``entries``, such as ``"network.js"``, and all that they import, as one script.

    The exports of ``NAME.js`` are in its variable ``$NAME``.

    Raises:
        SyntaxError: the modules cannot be joined; the message says where and why.
        FileNotFoundError: a file does not exist.
    """
    modules = graph(entries, folder)
    texts = dict.fromkeys(text for module in modules for text in module.texts)
    if holds := [text for text in texts if text in {module.name for module in modules}]:
        raise SyntaxError(f"a circle of imports: {entries[0]} -> {holds[0]}?text")
    parts = [
        f"const {variable(text)}_text = {json.dumps(joined(text, folder=folder))};\n"
        for text in texts
    ]
    for module in modules:
        offered = ", ".join(
            "default: $default" if name == "default" else name for name in module.exports
        )
        code = TYPES.sub("", module.code).rstrip()
        parts.append(
            f"const {variable(module.name)} = (() => {{\n{code}\nreturn {{ {offered} }};\n}})();\n"
        )
    return "\n".join(parts)


def expression(*entries: str, folder: Folder = SOURCES) -> str:
    """A JavaScript expression: one object with all that the modules ``entries`` export."""
    all_of = ", ".join(f"...{variable(entry)}" for entry in entries)
    return f"(() => {{\n{joined(*entries, folder=folder)}\nreturn {{ {all_of} }};\n}})()"


def module(entry: str, folder: Folder = SOURCES) -> str:
    """One ES module: ``entry`` with all that it imports, and with its default export alone.

    Raises:
        SyntaxError: the modules cannot be joined, or the entry has no default export.
        FileNotFoundError: a file does not exist.
    """
    text = joined(entry, folder=folder)
    if "default" not in parse(entry, folder).exports:
        raise SyntaxError(f"{entry}: expected an export default")
    return f"{text}\nexport default {variable(entry)}.default;\n"
