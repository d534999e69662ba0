"""``ingp return`` and ``ingp fix``: the file given back with its problems marked, and safe fixes."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel

from pipelines.cli.checking import Files, Json, Mapping, PackageTypeName, RowsPolicy, read_mapping
from pipelines.cli.judging import catalogue_for, judged
from pipelines.cli.show import Exit, number, out, print_json
from pipelines.cli.words import LANGUAGE, _
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.catalogue import Catalogue
    from pipelines.fixing import Left, Proposal, UnfixableError
    from pipelines.records import StagedPackage

Member = Annotated[
    str,
    typer.Option("--member", metavar=_("CODE"), help=_("Member code, for checks that depend on the member.")),
]
Target = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar=_("PATH"), help=_("Where to write; what is there is never overwritten.")
    ),
]


def return_(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar=_("FILE …"),
            help=_("Files or folders; or one submission, or the beginning of its name."),
        ),
    ],
    target: Annotated[
        Path,
        typer.Option("--output", "-o", metavar=_("FOLDER"), help=_("Folder for the marked files.")),
    ],
    member: Member = "XZZ",
    package_type: PackageTypeName = None,
    mapping: Mapping = None,
    rows: RowsPolicy = False,
    as_json: Json = False,
) -> None:
    # Imported here: `ingp --help` and mistyped options answer at once.
    from pipelines.returning import return_file

    if target.exists() and not target.is_dir():
        raise typer.BadParameter(_("{path} is a file; a folder is needed here.").format(path=target))
    catalogue = catalogue_for(Settings(), member)
    written: list[Path] = []
    with _judged(files, catalogue, member, package_type, mapping, rows, as_json) as (staged, folder):
        original = Path(staged.folder) / "original"
        written = return_file(original, folder, staged, catalogue, LANGUAGE, target)
    if as_json:
        print_json({"written": [str(path) for path in written]})
    elif not written:
        out.print(_("There was no table to mark in what was given."))
    else:
        out.print(_("Marked files, with the list of problems in front:"))
        for path in written:
            out.print(f"  {escape(str(path))}")
    raise typer.Exit(Exit.OK if written else Exit.DATA)


@contextmanager
def _judged(
    files: list[Path],
    catalogue: "Catalogue",
    member: str,
    package_type: str | None,
    mapping: Path | None,
    rows: bool,
    quiet: bool,
) -> Iterator[tuple["StagedPackage", Path]]:
    """What was sent, staged, and the folder of its report: of a submission here, or of files looked at now."""
    from pipelines.intake import read_staged

    missing = [path for path in files if not path.exists()]
    if missing and len(files) == 1 and len(files[0].parts) == 1:
        from pipelines.workflow import Installation, find_submission

        site = Installation.open()
        submission = find_submission(site, str(files[0]))
        yield read_staged(site.zones.staged_folder(submission)), site.zones.report_folder(submission)
        return
    if missing:
        raise typer.BadParameter(
            _("{path} does not exist. Is the name right, and the folder?").format(path=missing[0])
        )
    told = read_mapping(mapping)
    with judged(
        files,
        member,
        catalogue,
        Settings(),
        package_type=package_type,
        instructions=told,
        rows=rows,
        quiet=quiet,
    ) as found:
        yield found.staged, found.folder


def fix(
    files: Files,
    member: Member = "XZZ",
    mapping: Mapping = None,
    apply: Annotated[
        bool,
        typer.Option(
            "--apply", help=_("Write the mended file (-o). Without it, only show what would change.")
        ),
    ] = False,
    target: Target = None,
    only: Annotated[
        str,
        typer.Option(
            "--only",
            metavar=_("KINDS"),
            help=_("Some kinds only, separated by commas: trim, dates, numbers, codes, encoding; or split."),
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    from pipelines.fixing import KINDS, UnfixableError, checked_fixes

    kinds = [each.strip() for each in only.split(",") if each.strip()] or list(KINDS)
    unknown = [each for each in kinds if each not in (*KINDS, "split")]
    if unknown or ("split" in kinds and len(kinds) > 1):
        raise typer.BadParameter(_("--only takes {kinds}, or split alone.").format(kinds=", ".join(KINDS)))
    if apply and target is None:
        raise typer.BadParameter(_("--apply needs -o: the mended file is a new one."))
    targets = _targets(files, target, apply)
    catalogue = catalogue_for(Settings(), member)
    told = read_mapping(mapping)
    answers, failed = [], False
    for file, path in zip(files, targets, strict=True):
        with tempfile.TemporaryDirectory(prefix="ingp-fix-") as work:
            try:
                if kinds == ["split"]:
                    answers.append(_split(file, path, apply, catalogue, member, told, Path(work), as_json))
                    continue
                proposal, mended = checked_fixes(file, catalogue, told, Path(work) / "fix", kinds)
            except UnfixableError as error:
                failed = True
                answers.append({"file": str(file), "error": str(error)})
                if not as_json:
                    _explain(file, error, catalogue)
                continue
            with proposal:
                if path is not None and apply:
                    _copy_new(mended, path)
                elif path is not None:
                    _write_diff(proposal, catalogue, path)
                answers.append(_answer(file, proposal, path if apply else None))
                if not as_json:
                    _show(file, proposal, catalogue, path, apply)
    if as_json:
        print_json(answers)
    raise typer.Exit(Exit.DATA if failed else Exit.OK)


def _targets(files: list[Path], target: Path | None, apply: bool) -> list[Path | None]:
    """A new path per file: `target` itself, or below it for several files. Nothing there may exist."""
    if target is None:
        return [None] * len(files)
    if len(files) > 1 or target.is_dir():
        found = [target / (file.name if apply else f"{file.stem}.diff.csv") for file in files]
    else:
        found = [target]
    for path in found:
        if path.exists():
            raise typer.BadParameter(
                _("{path} exists already; the mended file is always a new one.").format(path=path)
            )
    if len({path.resolve() for path in found}) < len(found):
        raise typer.BadParameter(_("Two of the files have the same name; mend them one by one."))
    return list(found)


def _copy_new(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as read, target.open("xb") as write:
        shutil.copyfileobj(read, write)


def _write_diff(proposal: "Proposal", catalogue: "Catalogue", target: Path) -> None:
    from pipelines.fixing.rendering import diff_lines

    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        file.writelines(diff_lines(proposal, catalogue, LANGUAGE))


def _answer(file: Path, proposal: "Proposal", written: Path | None) -> dict[str, Any]:
    return {
        "file": str(file),
        "written": str(written) if written else None,
        "fixes": proposal.count,
        "groups": [
            {
                "kind": group.kind,
                "sheet": group.sheet,
                "field": group.field,
                "count": group.count,
                "first": [
                    {"cell": each.cell, "before": each.before, "after": each.after} for each in group.first
                ],
            }
            for group in proposal.groups()
        ],
        "left": [
            {"reason": each.reason, "sheet": each.sheet, "field": each.field, "example": each.example}
            for each in proposal.left
        ],
    }


def _show(file: Path, proposal: "Proposal", catalogue: "Catalogue", path: Path | None, applied: bool) -> None:
    from pipelines.fixing.rendering import FixWords, combined

    words = FixWords(catalogue, proposal.read.package_type, LANGUAGE)
    count = proposal.count
    out.print(Panel(words.summary(file.name, count, applied), border_style="green" if count else "cyan"))
    for group in proposal.groups():
        out.print(f"\n [bold]{escape(words.group_title(group))}[/] [dim]×{number(group.count)}[/]")
        for each in group.first:
            out.print(f"   [dim]{escape(words.place(each))}[/]  {words.change(each)}", soft_wrap=True)
        if group.count > len(group.first):
            out.print(
                f"   [dim]{escape(_('… and {count} more').format(count=number(group.count - len(group.first))))}[/]"
            )
    left: list[Left] = combined(proposal.left)
    if left:
        out.print(f"\n [bold yellow]{escape(_('Left for you:'))}[/]")
        for each_left in left:
            out.print(Padding(escape(words.left(each_left)), (0, 0, 0, 3)))
    if path is not None:
        told = _("Written: {path}") if applied else _("All changes as a table: {path}")
        out.print("\n" + escape(told.format(path=path)), soft_wrap=True)
    elif count:
        out.print(
            "\n" + escape(_("To write the mended file: add --apply and -o with the name of a new file."))
        )


def _explain(file: Path, error: "UnfixableError", catalogue: "Catalogue") -> None:
    from pipelines.fixing.rendering import refusal

    out.print(Panel(escape(refusal(error, catalogue, LANGUAGE).format(file=file.name)), border_style="red"))


def _split(
    file: Path,
    target: Path | None,
    apply: bool,
    catalogue: "Catalogue",
    member: str,
    told: dict[str, object],
    work: Path,
    quiet: bool,
) -> dict[str, Any]:
    from pipelines.fixing import split_flat
    from pipelines.identifiers import MemberCode
    from pipelines.intake import receive_submission
    from pipelines.zones import Zones

    staged = receive_submission([file], MemberCode(member), Zones(work), catalogue, instructions=told)
    package_type = catalogue.package_type(staged.submission.package_type)
    place = target if apply and target is not None else work / "split"
    counts = split_flat(staged, package_type, place)
    if not quiet:
        out.print(Panel(_("One wide table becomes linked tables:"), border_style="green"))
        for name, rows in counts.items():
            out.print(f"   {name}  [dim]×{number(rows)}[/]")
        if place == target:
            out.print("\n" + escape(_("Written: {path}").format(path=target)), soft_wrap=True)
    return {"file": str(file), "written": str(target) if place == target else None, "tables": counts}


def register(app: typer.Typer) -> None:
    app.command(
        "return",
        help=_("Give a file back with its bad cells coloured and explained, and a list of them in front."),
    )(return_)
    app.command(
        help=_("Offer safe fixes: blanks, dates, numbers, codes, encoding. Writes only with --apply.")
    )(fix)
