"""Entry point of ``ingp``."""

import sys
from typing import Annotated

import typer
from rich.markup import escape

from pipelines.cli import (
    audit,
    checking,
    desk,
    fixing,
    frictionless,
    indicators,
    publishing,
    setting_up,
    submitting,
)
from pipelines.cli.help import App, Group, explain_misuse
from pipelines.cli.show import Exit, err, stopped_sentence
from pipelines.cli.words import _
from pipelines.exceptions import (
    CatalogueError,
    ConflictError,
    PipelineError,
    PublicationError,
    StoppedError,
    StoreError,
    UnknownError,
)

app = App(
    name="ingp",
    cls=Group,
    help=_("Public procurement data of the network's members: check it, submit it, publish it."),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def language(
    lang: Annotated[
        str,
        typer.Option(
            "--lang", metavar=_("LANGUAGE"), help=_("Language: es, en, pt, fr."), show_default=False
        ),
    ] = "",
) -> None:
    """The language was chosen before (`pipelines.cli.words`); the option is here for the help."""


for module in (setting_up, checking, frictionless, fixing, indicators, submitting, publishing, desk, audit):
    module.register(app)


def _without_language(arguments: list[str]) -> list[str]:
    """``--lang`` may stand anywhere; Typer would take it only before the command."""
    kept, skip = [], False
    for word in arguments:
        if skip:
            skip = False
        elif word == "--lang":
            skip = True
        elif not word.startswith("--lang="):
            kept.append(word)
    return kept


def _trouble(error: PipelineError) -> str:
    """The kind of trouble in words; first kind that fits, so the narrower come first."""
    if isinstance(error, StoppedError):
        return stopped_sentence(error)
    kinds: tuple[tuple[type[PipelineError], str], ...] = (
        (UnknownError, _("nothing by that name is kept here. “ingp status” shows what there is.")),
        (ConflictError, _("somebody else was changing the same data. Please try again.")),
        (StoreError, _("the stored data could not be read or written.")),
        (CatalogueError, _("the standard in the folder schemas, or a name from it, is not as it should be.")),
        (PublicationError, _("the release did not pass its own checks. The one before it stays in place.")),
    )
    return next(
        (words for kind, words in kinds if isinstance(error, kind)), _("something outside the data failed.")
    )


def main() -> None:
    """Run the command; troubles of the machine become one clear line, a detail, and exit code 3."""
    try:
        code = app(_without_language(sys.argv[1:]), prog_name="ingp", standalone_mode=False)
    except typer.TyperException as error:
        explain_misuse(error)
        sys.exit(Exit.USAGE)
    except typer.Abort:
        sys.exit(Exit.DATA)
    except PipelineError as error:
        err.print(f"[red]{_('This could not be done:')}[/] {escape(_trouble(error))}")
        err.print(f"[dim]{escape(_('For your technical provider: {detail}').format(detail=error))}[/]")
        sys.exit(Exit.MACHINE)
    sys.exit(code or Exit.OK)


if __name__ == "__main__":
    main()
