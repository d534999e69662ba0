"""What the documents promise is so: settings, commands, exit codes, links, and examples that run."""

import re
import shlex
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import typer

from pipelines import workflow
from pipelines.catalogue import LANGUAGES
from pipelines.cli.main import app
from pipelines.cli.show import Exit
from pipelines.publication import current_release
from pipelines.settings import Settings
from pipelines.workflow import Installation

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
MEMBERS = [DOCS / f"members.{language}.md" for language in LANGUAGES]
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!\\)\]\(([^)\s]+)\)")
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
ROWS = """\
contract_id;local_process_id;buyer_name;tender_title;supplier_name;contract_value_amount;contract_value_currency
C-1;L1;Obras;Puente;Uno;1.234,50;PYG
C-2;L2;Salud;Vacunas;Dos;99,999999999999999999;PYG
C-3;L3;Salud;Camas;Tres;5,00;PYG
"""


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def documents() -> list[Path]:
    """All Markdown files that Git knows, or would know."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def anchors(path: Path) -> set[str]:
    """Anchors of the headings of a document, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_settings_are_documented_with_their_defaults() -> None:
    rows = dict(re.findall(r"^\| `(INGP_\w+)` \| ([^|]+) \|", text("settings.md"), re.MULTILINE))
    assert set(rows) == {f"INGP_{name.upper()}" for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        default = field.default
        if isinstance(default, Path) and default.is_absolute():
            default = default.name
        told = rows[f"INGP_{name.upper()}"]
        shown = f"{default:g}" if isinstance(default, float) else str(default)
        assert f"`{shown}`" in told if shown else told.startswith("empty"), name


def test_commands_are_documented() -> None:
    table = re.findall(r"^\| `ingp (\w+)", text("operators.md"), re.MULTILINE)
    assert sorted(table) == sorted(COMMANDS)


def test_exit_codes_are_documented() -> None:
    table = re.findall(r"^\| `(\d)` \| (\w+) \|", text("operators.md"), re.MULTILINE)
    assert table == [(str(code.value), code.name) for code in Exit]


def test_which_commands_answer_as_json() -> None:
    silent = {name for name, command in COMMANDS.items() if "--json" not in options(command)}
    sentence = re.search(r"all but (.+?) have `--json`", text("operators.md"))
    assert sentence and set(re.findall(r"`(\w+)`", sentence[1])) == silent


def options(command: typer.core.TyperCommand) -> dict[str, bool]:
    """Option -> whether it takes a value."""
    return {
        name: not getattr(parameter, "is_flag", False)
        for parameter in command.params
        if parameter.param_type_name == "option"
        for name in parameter.opts
    }


def shown_commands(path: Path) -> Iterator[str]:
    """Lines that begin with ``ingp``, several beside each other among them, and such code in a sentence."""
    content = path.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in re.findall(r"^(?: {4}|\$ )?\s*(ingp [^\n]*)$", content, re.MULTILINE):
        for command in re.split(r"\s{2,}(?=ingp )", line):
            yield re.split(r" [#>]", command)[0]
    yield from re.findall(r"`(ingp [^`\n]+)`", content)


def faults(words: list[str]) -> list[str]:
    """What would not be understood of a command line; nothing is run. Words: without ``ingp``."""
    if "--lang" in words:
        position = words.index("--lang")
        language = words[position + 1]
        words = words[:position] + words[position + 2 :]
        if language not in LANGUAGES:
            return [f"language {language}"]
    name, *rest = words
    if name not in COMMANDS:
        return [f"command {name}"]
    known = options(COMMANDS[name])
    found, arguments = [], 0
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            arguments += 1
        elif word not in known:
            found.append(f"{name} {word}")
        elif known[word]:
            if not rest or rest[0].startswith("-"):
                found.append(f"{name} {word} without a value")
            else:
                rest.pop(0)
    takes = sum(parameter.param_type_name == "argument" for parameter in COMMANDS[name].params)
    return found + ([f"{name}: {arguments} arguments"] if arguments > takes else [])


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_that_are_shown_exist(path: Path) -> None:
    lines = [shlex.split(line)[1:] for line in shown_commands(path)]
    wrong = [fault for words in lines if words[0][0].isalpha() for fault in faults(words)]
    assert wrong == []


def test_the_check_of_commands_sees_what_is_wrong() -> None:
    assert faults(["submit", "file.csv", "--member", "PRY", "--lang", "es"]) == []
    assert faults(["publsh"]) == ["command publsh"]
    assert faults(["submit", "file.csv", "--row"]) == ["submit --row"]
    assert faults(["submit", "file.csv", "--period", "--rows"]) == ["submit --period without a value"]
    assert faults(["publish", "file.csv"]) == ["publish: 1 arguments"]


def test_pages_for_members_tell_the_same_in_every_language() -> None:
    """The same commands and options in the same order, apart from the words that are a person's own."""
    shapes = set()
    for path in MEMBERS:
        content = path.read_text(encoding="utf-8")
        assert len(content.splitlines()) < 96, path.name
        commands = [re.findall(r"ingp \w+|--\w+", line) for line in shown_commands(path)]
        shapes.add(str([[word for word in words if word != "--lang"] for words in commands]))
        headings = re.findall(r"^## (\d)", content, re.MULTILINE)
        assert headings == ["1", "2", "3", "4", "5", "6"], path.name
    assert len(shapes) == 1
    shown = " ".join(shown_commands(MEMBERS[0]))
    for name in (
        "template",
        "validate",
        "return",
        "fix",
        "submit",
        "status",
        "confirm",
        "diff",
        "versions",
        "withdraw",
    ):
        assert f"ingp {name}" in shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_for_members_name_the_columns_as_the_template_does(language: str, site: Installation) -> None:
    content = text(f"members.{language}.md")
    flat = site.catalogue.package_type("procurement").table("contracts_flat")
    texts = site.catalogue.texts
    assert texts.table(language, "procurement", "contracts_flat").title in content
    row = next(line for line in content.splitlines() if line.startswith("| **") and " · " in line)
    required = [
        texts.field(language, "procurement", "contracts_flat", field.name).title
        for field in flat.fields
        if field.descriptor["level"] == "required"
    ]
    assert row.split("|")[2].strip().split(" · ") == required


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_lead_somewhere(path: Path) -> None:
    prose = BLOCK.sub("", path.read_text(encoding="utf-8"))
    broken = []
    for link in LINK.findall(prose):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a release of three contracts."""
    folder = tmp_path_factory.mktemp("readers")
    (folder / "contracts.csv").write_text(ROWS, encoding="utf-8")
    site = Installation.open(Settings(data_dir=folder / "var", memory_limit="1GB", threads=2))
    workflow.submit(site, [folder / "contracts.csv"], "PRY", period="2024")
    workflow.publish(site)
    published = current_release(site.zones)
    assert published is not None
    return published


def examples(kind: str) -> list[tuple[str, str]]:
    """(what stands behind the language, code) of the examples for readers."""
    found = [
        (told.strip(), code) for language, told, code in BLOCK.findall(text("readers.md")) if language == kind
    ]
    assert found
    return found


@pytest.mark.parametrize("code", [code for _, code in examples("python")])
def test_python_examples_run_in_a_release(release: Path, code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=release, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "1339.499999999999999999" in done.stdout, "the sum is exact"


@pytest.mark.parametrize(("told", "code"), examples("sql"))
def test_sql_examples_run_in_a_release(
    release: Path, monkeypatch: pytest.MonkeyPatch, told: str, code: str
) -> None:
    monkeypatch.chdir(release)
    program, _, database = told.partition(" ")
    if program == "sqlite":
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        rows = connection.execute(code).fetchall()
        connection.close()
    else:
        with duckdb.connect(database or ":memory:", read_only=bool(database)) as con:
            rows = con.execute(code).fetchall()
    assert rows and {"PRY", "C-1"} & set(rows[0])


def test_readers_are_told_of_every_file_and_table(release: Path) -> None:
    content = text("readers.md")
    for path in release.iterdir():
        assert f"`{path.name}" in content, path.name
    with duckdb.connect(str(release / "ingp.duckdb"), read_only=True) as con:
        for (table,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            assert f"`{table}`" in content, table


def test_addresses_name_columns_and_tables_that_exist(release: Path) -> None:
    addresses = re.findall(r"`(/ingp/(\w+)\.(?:json|csv)\?([^`]+))`", text("readers.md"))
    assert len(addresses) >= 4
    with duckdb.connect(str(release / "ingp.duckdb"), read_only=True) as con:
        for address, table, query in addresses:
            columns = {name for name, *_ in con.execute(f'DESCRIBE "{table}"').fetchall()}
            for name, _, value in (part.partition("=") for part in query.split("&")):
                column = value if name in ("_facet", "_sort_desc") else name.split("__")[0]
                assert column in columns or name in ("_shape", "_size", "_search", "_stream"), address


def test_the_oldest_python_is_the_one_that_is_named() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "requires-python"
    ]
    assert f"Python {wanted.removeprefix('>=')} or newer" in text("operators.md")


def test_security_names_tests_that_there_are() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "SECURITY.md").read_text(encoding="utf-8"))
    assert len(named) > 30
    gone = [
        (path, name)
        for path, name in named
        if not re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert gone == []
