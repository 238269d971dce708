"""The arrows between packages, and the size and documentation of what is in them."""

import ast
import io
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAMS = ("track", "train", "configs")
INSTALLED = {"tirjax_track": "track", "tirjax_train": "train"}

# Imports inside the core go down this list only.
LEVELS = {
    "typing": 0,
    "ops": 1,
    "solvers": 2,
    "backbones": 3,
    "heads": 4,
    "trackers": 5,
    "translators": 5,
    "tasks": 6,
}
# Tasks learn from data and are measured on it.
BESIDE = {"tasks": {"checkpoints", "data", "evaluation"}}
# What stands aside may import this much of the rest, and itself.
ASIDE = {
    "data": {"typing", "ops"},
    "evaluation": {"typing", "ops", "data"},
    "convert": {"typing", "data"},
    "checkpoints": {"typing", "data"},
    "weights": set(),
    "training_checkpoints": {"typing", "data", "checkpoints"},
}
# Flags, windows, reports and clocks belong to the programs.
SHELL = {
    "argparse",
    "tirjax_shell",
    "jinja2",
    "matplotlib",
    "platformdirs",
    "random",
    "rich",
    "tabulate",
    "time",
    "tyro",
}

MOST_LINES, MOST_CODE = 400, 60


def files(*folders):
    found = [p for f in folders for p in sorted((ROOT / f).rglob("*.py"))]
    return [pytest.param(p, id=str(p.relative_to(ROOT))) for p in found]


def imports(path):
    """Dotted names that a file imports anywhere, relative ones made absolute."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package[: len(package) - node.level + 1] if node.level else ()
            base = [*parents, *(node.module.split(".") if node.module else ())]
            # A name may be a module: `from tirjax import data`.
            yield from (".".join([*base, alias.name]) for alias in node.names)


def tops(path):
    """Top packages a file imports, an installed program under its own name."""
    found = {name.partition(".")[0] for name in imports(path)}
    return {INSTALLED.get(name, name) for name in found}


def parts(path):
    """Parts of the core a file imports: ``ops`` for ``tirjax.ops.boxes``."""
    dotted = (name.split(".") for name in imports(path))
    return {name[1] for name in dotted if name[0] == "tirjax" and len(name) > 1}


def own_part(path):
    return path.relative_to(ROOT / "tirjax").with_suffix("").parts[0]


@pytest.mark.parametrize("path", files("tirjax"))
def test_the_core_imports_no_program_and_nothing_of_the_shell(path):
    assert not tops(path) & {*PROGRAMS, *SHELL}


@pytest.mark.parametrize("path", files("track", "train", "configs"))
def test_programs_do_not_know_each_other(path):
    mine = path.relative_to(ROOT).parts[0]
    others = set(PROGRAMS) - {mine} - ({"configs"} if mine == "train" else set())
    assert not tops(path) & others


@pytest.mark.parametrize("path", files("tirjax"))
def test_imports_inside_the_core_go_down_only(path):
    mine = own_part(path)
    if mine in LEVELS:
        lower = {part for part, level in LEVELS.items() if level < LEVELS[mine]}
        assert parts(path) <= lower | {mine} | BESIDE.get(mine, set())
    elif mine in ASIDE:
        assert parts(path) <= ASIDE[mine] | {mine}


def test_every_part_of_the_core_has_its_place():
    folders = {p.parent.name for p in (ROOT / "tirjax").glob("*/__init__.py")}
    assert folders <= {*LEVELS, *ASIDE}


def test_the_name_alone_imports_neither_jax_nor_numpy():
    """So that a version or a help text costs no start-up."""
    code = (
        "import tirjax, sys; sys.exit(bool({'jax', 'numpy', 'cv2'} & {*sys.modules}))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


OURS = ("tirjax", "tirjax_shell", "track", "train", "configs", "benchmarks")


def code_lines(source):
    """Numbers of the lines that hold code: no blanks, comments or docstrings."""
    idle = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT}
    idle |= {tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER}
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in idle:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            lines.difference_update(range(node.lineno, node.end_lineno + 1))
    return lines


@pytest.mark.parametrize("path", files(*OURS, "tests"))
def test_files_and_functions_keep_their_length(path):
    source = path.read_text()
    assert source.count("\n") <= MOST_LINES
    code = code_lines(source)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = len(code & {*range(node.lineno, node.end_lineno + 1)})
            assert length <= MOST_CODE, f"{node.name}: {length} lines of code"


def undocumented(body, owner=""):
    """Public functions, classes and methods without a docstring."""
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if node.name.startswith("_") or node.name == "setup":  # a hook of Flax
            continue
        if ast.get_docstring(node) is None:
            yield owner + node.name
        if isinstance(node, ast.ClassDef):
            yield from undocumented(node.body, f"{node.name}.")


@pytest.mark.parametrize("path", files(*OURS))
def test_modules_and_public_names_have_docstrings(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree) or not tree.body, "the module has none"
    assert not list(undocumented(tree.body))
