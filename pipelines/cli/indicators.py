"""``ingp indicators``: figures, flags and what can be computed, of OCDS files or of a release."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from pipelines.cli.checking import Json
from pipelines.cli.judging import catalogue_for
from pipelines.cli.show import Exit, err, grid, number, out, print_json
from pipelines.cli.words import LANGUAGE, _
from pipelines.records import Severity
from pipelines.reporting import Sentences
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.catalogue import Catalogue
    from pipelines.records import Finding

OCDS_FILES = (".json", ".jsonl")
PROCUREMENT = "procurement"


class Form(StrEnum):
    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"


def indicators(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar=_("FILE …"), help=_("OCDS files or folders; or the folder of one release.")),
    ],
    target: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar=_("FOLDER"), help=_("Folder for the four tables.")),
    ] = None,
    form: Annotated[Form, typer.Option("--format", help=_("Form of the tables in the folder."))] = Form.CSV,
    member: Annotated[
        str,
        typer.Option("--member", metavar=_("CODE"), help=_("Whose data OCDS files are.")),
    ] = "XZZ",
    minimum: Annotated[
        int | None,
        typer.Option(
            "--minimum", min=1, help=_("Give figures of so few cases, whatever the definition says.")
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    # Imported here: `ingp --help` and mistyped options answer at once.
    from pipelines.indicators import Settings as Told
    from pipelines.indicators import indicators_of_ocds, indicators_of_release, load_indicators

    for path in sources:
        if not path.exists():
            raise typer.BadParameter(
                _("{path} does not exist. Is the name right, and the folder?").format(path=path)
            )
        if path.is_file() and path.suffix.lower() not in OCDS_FILES:
            raise typer.BadParameter(
                _(
                    "{path} is no OCDS file: its name has to end in .json or .jsonl. Tables are sent with “ingp submit”."
                ).format(path=path)
            )
    if target is not None and target.exists() and not target.is_dir():
        raise typer.BadParameter(_("{path} is a file. Please name a folder.").format(path=target))
    settings = Settings()
    catalogue = catalogue_for(settings, member)
    memory, threads = settings.memory_limit, settings.threads
    told = Told(minimum=minimum)
    if len(sources) == 1 and (sources[0] / "parquet").is_dir():
        found = indicators_of_release(sources[0], catalogue, told, memory_limit=memory, threads=threads)
    else:
        found = indicators_of_ocds(
            sources, catalogue, told, member=member, memory_limit=memory, threads=threads
        )
    tables = {
        "indicators": found.indicators,
        "indicator_flags": found.flags,
        "indicator_computability": found.computability,
        "indicator_next_fields": found.next_fields,
    }
    errors = [each for each in found.findings if catalogue.severity(each.code) is Severity.ERROR]
    _tell(errors, catalogue)
    if target:
        target.mkdir(parents=True, exist_ok=True)
        for name, frame in tables.items():
            path = target / f"{name}.{form.value}"
            if form is Form.CSV:
                frame.to_csv(path, index=False)
            elif form is Form.PARQUET:
                frame.to_parquet(path, index=False)
            else:
                frame.to_json(path, orient="records", force_ascii=False)
    whole = found.indicators[(found.indicators.scope == "network") & found.indicators.year.isna()]
    if as_json:
        print_json({"indicators": len(found.indicators), "flags": len(found.flags), "computed": sorted(set(whole.indicator)), "errors": [each.to_dict() for each in errors], "folder": str(target) if target else None})  # fmt: skip
    else:
        definitions = load_indicators(catalogue.folder)
        rows = [
            (
                row.indicator,
                definitions[row.indicator].texts[LANGUAGE].title,
                " ".join(str(part) for part in (row.category, row.currency) if isinstance(part, str)),
                number(row.value) if row.value == row.value else "—",
                number(int(row.n)),
            )
            for row in whole.itertuples()
        ]
        if not rows:
            out.print(_("No contracting process was found in these files, so there is nothing to work out."))
            raise typer.Exit(Exit.DATA)
        out.print(grid((_("Code"), _("Indicator"), "", _("Value"), _("Cases")), rows, right=(3, 4)))
        out.print(
            _("Flags: {count}. A flag is a reason to look, not a proof.").format(
                count=number(len(found.flags))
            )
        )
        if target:
            out.print(_("The tables are in {folder}.").format(folder=escape(str(target))))
    raise typer.Exit(Exit.OK if len(whole) and not errors else Exit.DATA)


def _tell(errors: "Sequence[Finding]", catalogue: "Catalogue") -> None:
    """What could not be read, before any figure: a part must not pass for the whole."""
    if not errors:
        return
    sentences = Sentences(catalogue, catalogue.package_type(PROCUREMENT), LANGUAGE)
    err.print(_("These files could not be read whole. The figures are of what could be read:"))
    of_code = {each.code: each for each in reversed(errors)}
    for code, count in Counter(each.code for each in errors).most_common():
        text = sentences.finding(of_code[code], count)
        err.print(f"× {text.what} {text.fix} ({number(count)})", markup=False)


def register(app: typer.Typer) -> None:
    app.command(
        help=_("Work out indicators, red flags and what is missing for them, of OCDS files or a release.")
    )(indicators)
