"""Entry point of ``ingp``."""

import sys
from typing import Annotated

import typer

from pipelines.cli import checking, publishing, setting_up, submitting
from pipelines.cli.show import Exit, err
from pipelines.cli.words import _
from pipelines.exceptions import PipelineError

app = typer.Typer(
    name="ingp",
    help=_("Public procurement data of the network's members: check it, submit it, publish it."),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def language(
    lang: Annotated[str, typer.Option("--lang", help=_("Language: es, en, pt, fr."), show_default=False)] = "",
) -> None:
    """The language was chosen before this runs (`pipelines.cli.words`); the option is declared so that help shows it."""


for module in (setting_up, checking, submitting, publishing):
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


def main() -> None:
    """Run the command; troubles of the machine become one clear line and exit code 3."""
    try:
        app(_without_language(sys.argv[1:]))
    except PipelineError as error:
        err.print(f"[red]{_('This could not be done:')}[/] {error}", markup=True)
        sys.exit(Exit.MACHINE)


if __name__ == "__main__":
    main()
