"""One case of the fuzzer: files, a descriptor and limits, all from one integer; or read back from a folder."""

import gzip
import io
import json
import random
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz import schemas, texts, workbooks

_ENCODINGS = (
    *("utf-8",) * 9,
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "cp1252",
    "iso-8859-1",
    "iso-8859-15",
    "ascii",
)
_ROWS = (0, 1, 2, 5, 12, 30, 60, 60, 110, 180, 400)


@dataclass(frozen=True)
class Case:
    """What both validators are given. `descriptor` is a resource's, or a package's when it has ``resources``."""

    name: str
    files: dict[str, bytes]
    descriptor: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)
    """``limit_errors``, ``limit_rows``; absent: the validator's own."""
    schema_sync: bool = False

    def write(self, folder: Path) -> Path:
        """Write the files and ``case.json``; returns the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in self.files.items():
            (folder / name).write_bytes(data)
        told = {
            "name": self.name,
            "descriptor": self.descriptor,
            "options": self.options,
            "schema_sync": self.schema_sync,
        }
        (folder / "case.json").write_text(
            json.dumps(told, indent=1, ensure_ascii=True) + "\n", encoding="utf-8"
        )
        return folder


def read(folder: Path) -> Case:
    """A case that was kept; its files stay where they are."""
    told = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    return Case(told["name"], {}, told["descriptor"], told["options"], told["schema_sync"])


def draw(seed: int) -> Case:
    """The case of a seed: the same everywhere as long as this package stays as it is."""
    dice = random.Random(seed)
    options: dict[str, Any] = {}
    if dice.random() < 0.45:
        options["limit_errors"] = dice.choice((1, 1, 2, 3, 5, 10, 50))
    if dice.random() < 0.12:
        options["limit_rows"] = dice.choice((1, 2, 5, 20, 150))
    v2 = dice.random() < 0.5
    referred = dice.random() < 0.25
    table = schemas.schema(dice, v2, "other" if referred else None)
    resource: dict[str, Any]
    if dice.random() < 0.12:
        resource, files = workbooks.draw(dice, table)
    else:
        resource, files = _delimited(dice, table)
    if dice.random() < 0.12:
        del resource["schema"]
        referred = False
    _promises(dice, resource, files)
    descriptor: dict[str, Any] = resource
    if referred:
        other, more = _reference(dice, table)
        descriptor, files = {"name": "package", "resources": [resource, other]}, {**files, **more}
    if v2:
        descriptor["$schema"] = schemas.V2 + ("datapackage.json" if referred else "dataresource.json")
    return Case(f"seed-{seed}", files, descriptor, options, dice.random() < 0.05)


def _promises(dice: random.Random, resource: dict[str, Any], files: dict[str, bytes]) -> None:
    """Numbers that a descriptor claims of its file, right or wrong."""
    if dice.random() < 0.05:
        resource["bytes"] = len(next(iter(files.values()))) + dice.choice((0, 1))
    if dice.random() < 0.04:
        resource["hash"] = dice.choice(("md5:0", "sha256:0", "sha1:0", "0cc175b9c0f1b6a831c399e269772661"))
    if dice.random() < 0.03:
        resource["rows"] = dice.choice((1, 60))
    if dice.random() < 0.03:
        resource["fields"] = dice.choice((1, 4))


def _reference(dice: random.Random, table: dict[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The other resource: its ``id`` has the type of the field that refers to it, or not."""
    key = next(
        (each for each in table.get("foreignKeys", ()) if each["reference"]["resource"] == "other"), None
    )
    own = next((each for each in table["fields"] if key and each["name"] == key["fields"][0]), None)
    kind = {"name": "id", "type": "string"}
    if own and dice.random() < 0.85:
        kind = {key: value for key, value in own.items() if key not in ("constraints", "missingValues")} | {
            "name": "id"
        }
    fields = [kind, {"name": "nombre", "type": "string"}]
    rows = texts.rows_of(dice, fields, dice.choice((1, 10, 50, 150)), dice.choice((0.0, 0.1)))
    text = texts.write(dice, [["id", "nombre"], *rows], {}, "\n")
    return {"name": "other", "path": "other.csv", "encoding": "utf-8", "dialect": {"csv": {"delimiter": ","}}, "schema": {"fields": fields}}, {
        "other.csv": text.encode()
    }  # fmt: skip


def _delimited(dice: random.Random, table: dict[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
    control: dict[str, Any] = {}
    if dice.random() < 0.3:
        control["delimiter"] = dice.choice((";", "\t", "|", ",", " ", ":"))
    if dice.random() < 0.06:
        control["quoteChar"] = dice.choice(("'", "", "|"))
    if dice.random() < 0.05:
        control["escapeChar"] = "\\"
    if dice.random() < 0.05:
        control["doubleQuote"] = False
    if dice.random() < 0.06:
        control["skipInitialSpace"] = True
    if dice.random() < 0.05:
        control["lineTerminator"] = dice.choice(("\r\n", "\n"))
    told = dict(control)
    if "delimiter" not in told and dice.random() < 0.4:
        told["delimiter"] = ","
    if "delimiter" in control and dice.random() < 0.15:
        del told["delimiter"]
    dialect: dict[str, Any] = {"csv": told} if told else {}
    names = [each["name"] for each in table["fields"]]
    # Big ones are rare: each costs as much as fifty small ones, and few faults need them.
    count = dice.choice(_ROWS) if dice.random() < 0.985 else 3_000
    rows = texts.rows_of(dice, table["fields"], count, dice.choice((0.0, 0.0, 0.01, 0.05, 0.3)))
    header = [texts.faulty_header(dice, names) if dice.random() < 0.25 else names]
    if dice.random() < 0.04:
        dialect["header"] = False
        header = []
    elif dice.random() < 0.04:
        dialect["headerRows"] = dice.choice(([1, 2], [2], [3], [1, 3]))
        if dice.random() < 0.5:
            dialect["headerJoin"] = "_"
    elif dice.random() < 0.05:
        dialect["headerCase"] = False
    if dice.random() < 0.06:
        dialect["commentChar"] = dice.choice(("#", "%", "##"))
    if dice.random() < 0.04:
        dialect["commentRows"] = dice.sample(range(1, 12), 2)
    if dice.random() < 0.06:
        dialect["skipBlankRows"] = True
    text = texts.write(dice, header + rows, control, dice.choice(("\n", "\n", "\r\n", "\r\n", "\r")))
    for _ in range(dice.choice((0, 0, 0, 0, 1, 1, 2, 4))):
        text = texts.spoil(dice, text, control.get("delimiter", ","))
    encoding = dice.choice(_ENCODINGS)
    data = text.encode(encoding, errors="replace")
    if dice.random() < 0.04:
        data = texts.spoil_bytes(dice, data)
    name = dice.choice(("table.csv", "table.csv", "table.csv", "table.tsv", "table.txt"))
    resource: dict[str, Any] = {"name": "table", "type": "table", "path": name, "schema": table}
    if name.endswith("txt"):
        resource["format"] = "csv"
    if dice.random() < 0.7:
        resource["encoding"] = (
            encoding if dice.random() < 0.93 else dice.choice(("utf-8", "cp1252", "no-such"))
        )
    if dialect:
        resource["dialect"] = dialect
    if dice.random() < 0.06:
        name, data = _packed(dice, name, data)
        resource["path"] = name
    return resource, {name: data}


def _packed(dice: random.Random, name: str, data: bytes) -> tuple[str, bytes]:
    if dice.random() < 0.5:
        packed = gzip.compress(data, mtime=0)
        return name + ".gz", packed[: len(packed) - 9] if dice.random() < 0.1 else packed
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), data)
    return name + ".zip", target.getvalue()
