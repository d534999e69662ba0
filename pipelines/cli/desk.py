"""``ingp desk``: the members' desk in the browser."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.help import App
from pipelines.cli.show import Exit, err, out
from pipelines.cli.words import _
from pipelines.desk import Desk
from pipelines.desk.inviting import invitation_address
from pipelines.exceptions import StoreError
from pipelines.settings import Settings


def desk_command(site: Path, host: str, port: int) -> list[str]:
    """Command line of Datasette for the desk: no database of its own, our pages only."""
    own = site / "desk"
    command = [sys.executable, "-m", "datasette", "serve", "--host", host, "--port", str(port)]
    command += ["--template-dir", str(own / "templates"), "--plugins-dir", str(own / "plugins")]
    command += ["--static", f"assets:{site / 'static'}"]
    for name, value in {
        "default_allow_sql": "off",
        "allow_download": "off",
        "allow_signed_tokens": "off",
    }.items():
        command += ["--setting", name, value]
    return command


def desk(
    host: Annotated[
        str, typer.Option("--host", metavar=_("ADDRESS"), help=_("Address to listen on."))
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar=_("NUMBER"), help=_("Port to listen on."))] = 8002,
) -> None:
    """Serve the desk until interrupted."""
    settings = Settings()
    signal.signal(signal.SIGTERM, lambda *_ignored: sys.exit(0))
    process = subprocess.Popen(desk_command(settings.site_dir, host, port), env=os.environ)
    err.print(_("The desk is at {address}").format(address=f"http://{host}:{port}/"))
    try:
        sys.exit(process.wait())
    except KeyboardInterrupt:
        pass
    finally:
        process.terminate()
        process.wait()


def invite(
    email: Annotated[str, typer.Argument(metavar=_("ADDRESS"), help=_("E-mail address of the person."))],
    name: Annotated[str, typer.Option("--name", help=_("Name of the person."))],
    role: Annotated[
        str,
        typer.Option(
            "--role", help=_("What the person does: reader, submitter, approver, secretariat, administrator.")
        ),
    ],
    member: Annotated[
        str, typer.Option("--member", metavar=_("CODE"), help=_("Member whose data the person sees."))
    ] = "",
    language: Annotated[
        str, typer.Option("--language", help=_("Language of letters and pages: es, en, pt, fr."))
    ] = "es",
) -> None:
    """Write a person down and print the link, which the letter has too."""
    opened = Desk.open()
    try:
        person = opened.people.add(email, name, role, member or None, language)
    except (StoreError, ValueError) as error:
        err.print(_("This person cannot be invited: {why}").format(why=error), markup=False)
        raise typer.Exit(Exit.USAGE) from error
    address = invitation_address(opened, person)
    opened.mail.post(person.email, person.language, "invitation", name=person.name, address=address)
    out.print(_("{name} sets a password here, within seven days:").format(name=person.name), markup=False)
    out.print(address, markup=False, soft_wrap=True)


def register(app: App) -> None:
    app.command(help=_("Invite a person to the members' desk."))(invite)
    app.command(help=_("Serve the members' desk: submit, see, mend, approve, publish."))(desk)
