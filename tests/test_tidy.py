"""The house style as a test: every file of the project is read once, each rule reads them all."""

import ast
import functools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from tests.debian import PROJECT

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
ROOMS = {"api", "compute", "dashboards", "deploy", "ingest", "services", "tests"}
VAGUE_NAMES = {"utils", "helpers", "common", "misc", "manager", "base"}
# Written by tools, or data: their length says nothing about their design.
MADE_BY_TOOLS = (".lock", ".json", ".csv", ".svg", ".sql", ".md")
# Assembled, so that this file does not contain what it looks for.
MACHINE_PATHS = re.compile(
    r"(?<![\w./-])/(?:wo" + r"rk|ro" + r"ot|ho" + r"me|tm" + r"p|op" + r"t)/\w"
)
# By their shape, so that no host is named even here: an index, a mirror, a package archive.
REGISTRY_ADDRESSES = re.compile(
    r"https?://(?:registry|mirrors?|deb|files|archive|security)\.|https?://\S+/simple\b"
    r"|--(?:extra-)?index-url[ =]\S|^resolved\s+\S*://",
)
PROMISE = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b(?!\s*\(?#\d+)")
SQL = re.compile(
    r"^\s*(?:SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(?:TABLE|VIEW"
    r"|INDEX|ROLE|SCHEMA)|ALTER\s+TABLE|DROP\s+TABLE|COPY\s+\w+.*\sFROM)\b",
    re.IGNORECASE | re.DOTALL,
)
# SQLite is the gateway's own outbox file; the centre's database is spoken to in services/store.
SQL_HOMES = ("services/store/", "deploy/outbox", "tests/")
PRIVATE_CLIENT_HOMES = ("ingest/mqtt/aiomqtt_receiver.py", "deploy/gateway.py")
# Places inside a container image, not on anybody's machine.
IMAGE_FILES = ("deploy/Dockerfile", "deploy/compose.yaml")


@functools.cache
def texts() -> dict[str, str]:
    """Return the text of every file that is, or is about to be, in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=PROJECT,
        check=False,
        capture_output=True,
        text=True,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout, so what belongs to the project is not known")
    found = {}
    for name in filter(None, listed.stdout.split("\0")):
        path = PROJECT / name
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            if b"\0" not in content:
                found[name] = content.decode("utf-8")
    return found


@functools.cache
def trees() -> dict[str, ast.Module]:
    return {name: ast.parse(text) for name, text in texts().items() if name.endswith(".py")}


def nodes(kind: type[ast.AST] | tuple[type[ast.AST], ...]) -> Iterator[tuple[str, ast.AST]]:
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, kind):
                yield name, node


def lines_that_match(pattern: re.Pattern[str], *, skip: tuple[str, ...] = ()) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:80]}"
        for name, text in texts().items()
        if not name.startswith(skip)
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    if ast.get_docstring(node, clean=False) is None or first.end_lineno is None:
        return 0
    return first.end_lineno - first.lineno + 1


class TestFiles:
    def test_are_at_most_400_lines_long(self) -> None:
        found = [
            f"{name}: {text.count(chr(10))}"
            for name, text in texts().items()
            if text.count("\n") > FILE_LINES_MAX
            and not name.startswith("tests/")
            and not name.endswith(MADE_BY_TOOLS)
        ]
        assert found == []

    def test_have_names_that_say_what_is_inside(self) -> None:
        found = [
            name for name in trees() if VAGUE_NAMES & set(PurePosixPath(name).with_suffix("").parts)
        ]
        assert found == []

    def test_make_no_promise_without_an_issue_number(self) -> None:
        assert lines_that_match(PROMISE) == []

    def test_name_no_package_registry(self) -> None:
        assert lines_that_match(REGISTRY_ADDRESSES) == []

    def test_name_no_path_of_a_machine(self) -> None:
        assert lines_that_match(MACHINE_PATHS, skip=IMAGE_FILES) == []


class TestFunctions:
    def test_are_at_most_70_lines_long_without_their_docstring(self) -> None:
        found = []
        for name, node in nodes((ast.FunctionDef, ast.AsyncFunctionDef)):
            assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            assert node.end_lineno is not None
            length = node.end_lineno - node.lineno + 1 - docstring_lines(node)
            if length > FUNCTION_LINES_MAX:
                found.append(f"{name}:{node.lineno}: {node.name} has {length} lines")
        assert found == []


class TestCode:
    def test_swallows_no_error(self) -> None:
        found = []
        for name, node in nodes(ast.ExceptHandler):
            assert isinstance(node, ast.ExceptHandler)
            broad = node.type is None or (
                isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}
            )
            silent = all(isinstance(step, ast.Pass | ast.Continue) for step in node.body)
            if broad and silent:
                found.append(f"{name}:{node.lineno}")
        assert found == []

    def test_loses_no_cancellation(self) -> None:
        """Of Python 3.11 `asyncio.wait_for` forgets one that comes as what it waits for is done."""
        found = [
            f"{name}:{node.lineno}"
            for name, node in nodes(ast.Attribute)
            if isinstance(node, ast.Attribute)
            and node.attr == "wait_for"
            and isinstance(node.value, ast.Name)
            and node.value.id == "asyncio"
            and not name.startswith("tests/")
        ]
        assert found == []

    def test_prints_only_from_the_command_line(self) -> None:
        found = []
        for name, node in nodes(ast.Call):
            assert isinstance(node, ast.Call)
            called = node.func.id if isinstance(node.func, ast.Name) else ""
            if called == "print" and PurePosixPath(name).parts[0] in ROOMS - {"deploy", "tests"}:
                found.append(f"{name}:{node.lineno}")
        assert found == []

    def test_speaks_sql_only_in_the_store(self) -> None:
        found = []
        for name, node in nodes(ast.Constant):
            assert isinstance(node, ast.Constant)
            if not isinstance(node.value, str) or name.startswith(SQL_HOMES):
                continue
            if SQL.search(node.value):
                found.append(f"{name}:{node.lineno}: {node.value.strip()[:60]}")
        assert found == []

    def test_reaches_into_the_mqtt_client_only_in_its_adapter(self) -> None:
        found = []
        for name, node in nodes(ast.Attribute):
            assert isinstance(node, ast.Attribute)
            private_of_client = node.attr == "_client" and not (
                isinstance(node.value, ast.Name) and node.value.id == "self"
            )
            if private_of_client and name not in PRIVATE_CLIENT_HOMES:
                found.append(f"{name}:{node.lineno}")
        assert found == []


class TestLock:
    LOCK = PROJECT / "requirements.lock"

    def test_has_a_hash_for_every_package_and_no_address(self) -> None:
        text = self.LOCK.read_text(encoding="utf-8")
        packages = re.findall(r"^[a-z0-9][^\s;]*==\S+.*\\$", text, re.MULTILINE)
        assert len(packages) > 50
        assert len(packages) == len(re.findall(r"^[a-z0-9]\S*", text, re.MULTILINE))
        assert "://" not in text
        assert not re.search(r"^--", text, re.MULTILINE)


def test_the_makefile_has_the_eight_targets_and_no_other() -> None:
    text = Path(PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", text, re.MULTILINE))
    assert targets == {"demo", "test", "check", "bench", "faults", "sabotage", "format", "help"}
