"""Help and misuse of commands in the reader's language; Typer itself speaks English only."""

from difflib import get_close_matches
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from pipelines.cli.show import err
from pipelines.cli.words import _


def _name(parameter: Any) -> str:
    """A parameter as one types it; its kind is said by its metavar, never in Python's words."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    return f"{', '.join(parameter.opts)} {parameter.metavar or ''}".rstrip()


def _explained(parameter: Any) -> str:
    """The help of a parameter, with ``[required]`` or ``[when not given: 8001]``."""
    given = parameter.default
    if parameter.required:
        return f"{parameter.help}  [{_('required')}]"
    if parameter.show_default and not isinstance(given, bool) and given not in (None, ""):
        return f"{parameter.help}  [{_('when not given: {value}').format(value=given)}]"
    return str(parameter.help or "")


class _Help:
    """What the help of a command and that of the group of commands have in common."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        pieces = [f"[{_('OPTIONS')}]"]
        pieces += [_name(each) for each in ctx.command.params if each.param_type_name == "argument"]
        if isinstance(self, TyperGroup):
            pieces.append(_("COMMAND …"))
        formatter.write_usage(ctx.command_path, " ".join(pieces), prefix=_("Usage:") + " ")

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.help = _("Show this help.")
        return option

    def format_options(self, ctx: Any, formatter: Any) -> None:
        for kind, title in (("argument", _("Arguments")), ("option", _("Options"))):
            parameters = [each for each in ctx.command.get_params(ctx) if each.param_type_name == kind]
            if parameters:
                with formatter.section(title):
                    formatter.write_dl([(_name(each), _explained(each)) for each in parameters])


class Command(_Help, TyperCommand):
    """A command whose help is in the reader's language."""


class Group(_Help, TyperGroup):
    """The commands of ``ingp``; every one with its whole sentence, not cut at the edge of the terminal."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        super().format_options(ctx, formatter)
        with formatter.section(_("Commands")):
            formatter.write_dl([(name, command.help or "") for name, command in self.commands.items()])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if name not in self.commands and not name.startswith("-"):
            near = get_close_matches(name, self.commands)
            hint = " " + _("Perhaps: {label}").format(label=", ".join(near)) if near else ""
            raise typer.BadParameter(_("There is no command “{name}”.").format(name=name) + hint, ctx=ctx)
        return super().resolve_command(ctx, args)


class App(typer.Typer):
    """Typer with `Command` for every command."""

    def command(
        self, name: str | None = None, *, cls: type[TyperCommand] | None = None, **settings: Any
    ) -> Any:
        return super().command(name, cls=cls or Command, **settings)


def _sentence(error: Any) -> str:
    """What was wrong with the command line. Typer keeps most of its exceptions private, hence their names."""
    match type(error).__name__:
        case "NoSuchOption":
            hint = (
                " " + _("Perhaps: {label}").format(label=error.possibilities[0])
                if error.possibilities
                else ""
            )
            return _("There is no option {name}.").format(name=error.option_name) + hint
        case "BadOptionUsage":
            return _("The option {name} does not fit: with or without a value, see the help.").format(
                name=error.option_name
            )
        case "MissingParameter":
            return _("{name} is missing.").format(name=_name(error.param))
        case "BadParameter" if error.__cause__ is not None:
            return _("{name}: this value does not fit.").format(name=_name(error.param))
        case "BadParameter":
            return str(error.message)
    return _("More was written than this command takes.")


def explain_misuse(error: typer.TyperException) -> None:
    """Say what was wrong with the command line and where the help is."""
    if type(error).__name__ == "NoArgsIsHelpError":
        err.print(error.message, markup=False, soft_wrap=True)
        return
    context = getattr(error, "ctx", None)
    if context is not None:
        err.print(context.get_usage(), markup=False, soft_wrap=True)
    err.print(f"[red]{_('Not understood:')}[/]", end=" ")
    err.print(_sentence(error), markup=False, soft_wrap=True)
    if context is not None:
        err.print(
            _("Help: {command}").format(command=f"{context.command_path} --help"),
            markup=False,
            soft_wrap=True,
        )
