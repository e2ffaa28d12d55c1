"""The house rules that a reader relies on: rooms, their order, their words, the rules' codes."""

from __future__ import annotations

import ast
import fnmatch
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RULES = ROOT / "transforms" / "RULES.md"
PACKAGES = ("schemas", "transforms", "flows")
CODE = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
SQL = sorted((ROOT / "transforms").rglob("*.sql"))
POLICIES = sorted((ROOT / "data" / "policies").rglob("*.yaml"))
ROOMS = sorted(
    folder
    for package in ("flows", "transforms")
    for folder in (ROOT / package).iterdir()
    if folder.is_dir() and not folder.name.startswith("_")
)
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *(page for top in (*PACKAGES, "data", "tests") for page in sorted((ROOT / top).rglob("*.md"))),
]

BELOW = {
    "schemas": [],
    "transforms": ["schemas"],
    "transforms.engine": ["schemas"],
    "transforms.policies": ["schemas", "transforms.engine"],
    "transforms.ledger": ["schemas", "transforms.engine"],
    "transforms.exports": ["schemas", "transforms.engine"],
    "transforms.drafts": ["schemas", "transforms.engine", "transforms.exports"],
    "transforms.sample": ["schemas", "transforms.engine", "transforms.exports"],
}
"""What a room outside `flows` may import, beside itself."""
FLOWS = [
    "console",
    "publishing",
    "deliveries",
    "commands",
    "calendar",
    "proofs",
    "answers",
    "prefect_flows",
]
"""The rooms of `flows`, each may import those before it; `flows.cli` all of them."""
TOP_LEVEL = {"data", "flows", "schemas", "tests", "transforms"}
MADE_BY_TOOLS = re.compile(r"\..*|__pycache__|build|.*\.egg-info")
LONG = 10
HOUSE_WORDS = re.compile(r"(?<![.\w])(aside|passed by|left alone|astray|strays)\b", re.IGNORECASE)
"""Words that meant something to those who wrote the code, and to nobody else."""
A_DEFINITION = re.compile(r"^(?:- \*\*|\| )([A-Z]\d+)(?:\*\*| \|)", re.MULTILINE)
A_SEED = re.compile(r"S\d")
A_LISTED_CODE = re.compile(r"\b[A-Z]\d+\b")
"""In the `rules` of an SQL header."""


def _module(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_module(file): file for file in CODE}


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def _imports(file: Path) -> frozenset[str]:
    """The modules that a file imports, wherever in it: in functions, for type checking alone."""
    found: set[str] = set()
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{file.name}:{node.lineno} imports relatively"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            found.update(name if name in MODULES else node.module for name in inner)
    return frozenset(found)


def _room(module: str) -> str:
    """`flows.commands` of `flows.commands.tiers`; all of `schemas` is one room."""
    return module if "." not in module or module == "flows.cli" else _folder(module)


def _folder(module: str) -> str:
    parts = module.split(".")
    return parts[0] if parts[0] == "schemas" else ".".join(parts[:2])


def _allowed(room: str) -> set[str]:
    """The rooms that a room may import: itself and those below it."""
    if not room.startswith("flows"):
        return {room, *BELOW[room]}
    flows = [f"flows.{name}" for name in FLOWS]
    if room not in {"flows", "flows.cli"}:
        flows = flows[: flows.index(room) + 1]
    # the package itself holds what starts the command line, and nothing else
    started = {"flows.cli"} if room == "flows" else {"flows"}
    return {room, *started, *flows, *BELOW}


def test_a_room_imports_only_rooms_below_it() -> None:
    upwards = [
        f"{module} imports {name}"
        for module, file in MODULES.items()
        for name in sorted(_imports(file))
        if name.split(".")[0] in PACKAGES and _room(name) not in _allowed(_room(module))
    ]
    assert not upwards


def test_every_room_has_its_place() -> None:
    known = set(BELOW) | {f"flows.{name}" for name in FLOWS} | {"flows", "flows.cli"}
    assert {_room(module) for module in MODULES} <= known


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = {name: _imports(file) & MODULES.keys() for name, file in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(reversed(error.args[1])))


def test_only_one_room_imports_prefect() -> None:
    importing = {
        _room(module)
        for module, file in MODULES.items()
        if any(name.split(".")[0] == "prefect" for name in _imports(file))
    }
    assert importing == {"flows.prefect_flows"}


def test_a_function_of_more_than_ten_lines_has_a_docstring() -> None:
    """Its own, or for `__init__` its class's, or that of the method of a base that it overrides."""
    told = _documented_methods()
    without = [
        f"{module}: {node.name} (line {node.lineno})"
        for module, file in MODULES.items()
        for owner in ast.walk(_tree(file))
        for node in ast.iter_child_nodes(owner)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (node.end_lineno or 0) - node.lineno + 1 > LONG
        and not ast.get_docstring(node)
        and not (isinstance(owner, ast.ClassDef) and _is_told(owner, node.name, told))
    ]
    assert not without, "\n".join(without)


def _documented_methods() -> set[tuple[str, str]]:
    """The methods that have a docstring, as class and name."""
    return {
        (owner.name, node.name)
        for file in CODE
        for owner in ast.walk(_tree(file))
        if isinstance(owner, ast.ClassDef)
        for node in owner.body
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node)
    }


def _is_told(owner: ast.ClassDef, name: str, told: set[tuple[str, str]]) -> bool:
    """Whether the class says how it is made, or a base of it what a method does."""
    if name == "__init__":
        return bool(ast.get_docstring(owner))
    return any((ast.unparse(base), name) in told for base in owner.bases)


def test_the_top_level_has_the_folders_that_it_had() -> None:
    folders = {entry.name for entry in ROOT.iterdir() if entry.is_dir()}
    assert {name for name in folders if not MADE_BY_TOOLS.fullmatch(name)} == TOP_LEVEL


@pytest.mark.parametrize(
    "folder", [*ROOMS, *(ROOT / name for name in ("schemas", "data", "tests"))]
)
def test_every_room_has_a_page_about_it(folder: Path) -> None:
    page = folder / "README.md"
    assert page.is_file()
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert len(text.splitlines()) <= 60, "a page at most"
    if folder.name in {"audits", "proof", "tests"} or folder == ROOT / "transforms" / "answers":
        return  # their files are named after what they check, or the question and its step
    modules = sorted(path.stem for path in folder.iterdir() if path.suffix in {".py", ".sql"})
    unnamed = [name for name in modules if name != "__init__" and name not in text]
    assert not unnamed, f"{page} says nothing of {unnamed}"


def test_files_that_a_rooms_page_names_exist() -> None:
    """Those named without a folder: in the room, or anywhere beside it."""
    names = {path.name for top in TOP_LEVEL for path in (ROOT / top).rglob("*.*")}
    lost = [
        f"{page.relative_to(ROOT)}: {name}"
        for page in PAGES
        if page.name == "README.md"
        for name in re.findall(r"`([\w*]+\.(?:py|sql|yaml))`", page.read_text(encoding="utf-8"))
        if not fnmatch.filter(names, name)
    ]
    assert not lost, "\n".join(lost)


def test_files_that_a_page_names_exist() -> None:
    """Those named from the root on, but for workspaces, which a checkout lacks."""
    a_path = re.compile(r"`((?:flows|transforms|schemas|tests|data)/[\w./-]+)`")
    lost = [
        f"{page.relative_to(ROOT)}: {name}"
        for page in PAGES
        for name in a_path.findall(page.read_text(encoding="utf-8"))
        if not name.startswith(("data/demo", "data/workspace")) and not (ROOT / name).exists()
    ]
    assert not lost, "\n".join(lost)


def test_messages_that_the_readme_explains_are_those_of_the_code() -> None:
    """What stands between the gaps of a quoted message is in one text of the code."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.*?) \|", readme.split("## When something is wrong")[1], re.MULTILINE)
    quoted = [message for row in rows for message in re.findall(r"`([^`]*…[^`]*)`", row)]
    assert len(quoted) > 15
    said = "\n".join(" ".join(text.split()) for file in CODE for text in _texts(file))
    parts = [(message, part.strip(" :;")) for message in quoted for part in message.split("…")]
    assert not [message for message, part in parts if part not in said]


def _comments(file: Path) -> Iterator[str]:
    """The comments of a Python file."""
    with tokenize.open(file) as opened:
        for token in tokenize.generate_tokens(io.StringIO(opened.read()).readline):
            if token.type == tokenize.COMMENT:
                yield token.string


def _docstrings(file: Path) -> Iterator[str]:
    """Docstrings, those below assignments among them: every text that is a statement by itself."""
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield str(node.value.value)


def _texts(file: Path) -> Iterator[str]:
    """Every text of a Python file: docstrings, and the parts of formatted ones, too."""
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _sql_comments(file: Path) -> Iterator[str]:
    for line in file.read_text(encoding="utf-8").splitlines():
        _, mark, comment = line.partition("--")
        if mark:
            yield comment


def test_no_text_has_house_words() -> None:
    said = [(file, text) for file in CODE for text in chain(_texts(file), _comments(file))]
    said += [(file, file.read_text(encoding="utf-8")) for file in [*SQL, *POLICIES, *PAGES]]
    found = [
        f"{file.relative_to(ROOT)}: … {spaced[max(match.start() - 40, 0) : match.end() + 40]} …"
        for file, spaced in ((file, " ".join(text.split())) for file, text in said)
        for match in HOUSE_WORDS.finditer(spaced)
    ]
    assert not found, "\n".join(found)


def _defined() -> list[str]:
    """The codes that the rules' text defines, seeds among them, as often as it does."""
    return A_DEFINITION.findall(RULES.read_text(encoding="utf-8"))


def _named_by(files: list[Path]) -> dict[str, set[str]]:
    """The codes that files name, each with the names of these files.

    Of Python: comments and docstrings, and in `schemas` the descriptions as well, which the data
    dictionary prints. Of SQL: comments, the header's rules among them. Of other files everything.
    """
    letters = "".join(sorted({code[0] for code in _defined()}))
    a_code = re.compile(rf"\b[{letters}][1-9]\d?\b")
    named: dict[str, set[str]] = {}
    for file in files:
        if file.suffix == ".py":
            described = _texts(file) if file.parent.name == "schemas" else _docstrings(file)
            said: Iterator[str] = chain(_comments(file), described)
        elif file.suffix == ".sql":
            said = _sql_comments(file)
        else:
            said = iter([file.read_text(encoding="utf-8")])
        for text in said:
            listed = A_LISTED_CODE if text.startswith(" rules:") else a_code
            for code in listed.findall(text):
                named.setdefault(code, set()).add(str(file.relative_to(ROOT)))
    return named


def test_a_rule_is_defined_once() -> None:
    defined = _defined()
    assert defined
    assert len(defined) == len(set(defined))


def test_every_code_that_is_named_is_defined() -> None:
    pages = [page for page in PAGES if page != RULES]
    unknown = {
        code: sorted(files)
        for code, files in _named_by([*CODE, *SQL, *POLICIES, *pages]).items()
        if code not in _defined()
    }
    assert not unknown
    folders = {folder.name for folder in (ROOT / "tests" / "cases").iterdir() if folder.is_dir()}
    assert folders <= set(_defined())


def test_every_code_that_is_defined_is_named_by_code() -> None:
    tests = sorted((ROOT / "tests").rglob("*.py"))
    named = _named_by([*CODE, *SQL, *tests])
    rules = [code for code in _defined() if not A_SEED.fullmatch(code)]
    assert not [code for code in rules if code not in named]


def test_the_rules_text_cites_its_seeds_and_nothing_outside_the_repository() -> None:
    text = RULES.read_text(encoding="utf-8")
    seeds = {code for code in _defined() if A_SEED.fullmatch(code)}
    assert set(re.findall(r"\bS\d\b", text)) == seeds
    assert "../" not in text
    rules = re.split(r"^- \*\*", text, flags=re.MULTILINE)[1:]
    assert not [rule[:4] for rule in rules if not re.search(r"\[(S\d|A\b)", rule)]
