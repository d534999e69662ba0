"""Mail: written down first, sent by the worker afterwards, so that no page waits for a mail server and no letter is lost.

A text is a Jinja template ``datasette/desk/mail/<kind>.txt`` with the words of the desk in the reader's language: its first line is the
subject, which says the state; then an empty line, then the letter. Without a mail server (``INGP_SMTP_URL``), letters become files below ``<root>/outbox/``.
"""

import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import JSON, Column, Integer, String, Table, Text, insert, select, update

from pipelines.desk.schema import metadata
from pipelines.reporting.language import translations
from pipelines.store import Database
from pipelines.store.ledger_schema import Instant

mail = Table(
    "desk_mail",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("to", String, nullable=False),
    Column("language", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("values", JSON, nullable=False),
    # The same letter is written once, however often somebody asks for it.
    Column("once", String, unique=True),
    Column("at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_try", Instant, nullable=False),
    Column("trouble", Text),
)

REST = (
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
)
"""Between two tries; after the last one a letter is given up, and the board shows it."""


@dataclass(frozen=True, slots=True)
class Letter:
    to: str
    subject: str
    text: str


class Mail:
    """The letters of a desk. folder: of the templates, ``datasette/desk``."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database, self._folder = database, folder
        self._environments: dict[str, Environment] = {}

    def post(self, to: str, language: str, kind: str, *, once: str | None = None, **values: Any) -> bool:
        """Write a letter down; False when the one of this name is there already. values: JSON data for its template. once: a name that is used for one letter only."""
        self.render(
            to, language, kind, values
        )  # a template that misses a value is found here, not by the worker
        now = datetime.now(UTC)
        with self._database.write() as connection:
            if once and connection.execute(select(mail.c.id).where(mail.c.once == once)).first():
                return False
            connection.execute(
                insert(mail).values(
                    to=to, language=language, kind=kind, values=values, once=once, at=now, next_try=now
                )
            )
        return True

    def render(self, to: str, language: str, kind: str, values: dict[str, Any]) -> Letter:
        if language not in self._environments:
            env = Environment(
                loader=FileSystemLoader(self._folder / "mail"), extensions=["jinja2.ext.i18n"], undefined=StrictUndefined,
                trim_blocks=True, lstrip_blocks=True, autoescape=False,  # letters are plain text
            )  # fmt: skip
            env.install_gettext_translations(translations(language, self._folder / "locales"), newstyle=True)  # type: ignore[attr-defined]
            self._environments[language] = env
        told = self._environments[language].get_template(f"{kind}.txt").render(values)
        subject, _empty, text = told.strip().partition("\n\n")
        return Letter(to, " ".join(subject.split()), text.strip() + "\n")

    def deliver(self, send: Callable[[Letter], None]) -> int:
        """Send what is due; returns how many letters went. One that fails is tried again later, and stops no other."""
        now, sent = datetime.now(UTC), 0
        query = select(mail).where(
            mail.c.sent_at.is_(None), mail.c.next_try <= now, mail.c.tries <= len(REST)
        )
        with self._database.read() as connection:
            due = connection.execute(query.order_by(mail.c.id)).all()
        for row in due:
            try:
                send(self.render(row.to, row.language, row.kind, row.values))
            except (OSError, smtplib.SMTPException) as error:
                rest = REST[min(row.tries, len(REST) - 1)]
                given_up: dict[str, Any] = {"values": {}} if row.tries >= len(REST) else {}
                self._set(
                    row.id, tries=row.tries + 1, next_try=now + rest, trouble=str(error)[:500], **given_up
                )
            else:
                # What it said is not kept: a link that sets a password is a secret, a name is a person's.
                self._set(row.id, sent_at=datetime.now(UTC), trouble=None, values={})
                sent += 1
        return sent

    def _set(self, number: int, **values: Any) -> None:
        with self._database.write() as connection:
            connection.execute(update(mail).where(mail.c.id == number).values(**values))


def sender(smtp_url: str, sent_from: str, outbox: Path) -> Callable[[Letter], None]:
    """How letters leave. smtp_url: ``smtp://user:password@host:587`` (STARTTLS where offered), ``smtps://…``, or empty for files."""
    if not smtp_url:
        return lambda letter: _to_file(letter, sent_from, outbox)
    address = urlsplit(smtp_url)

    def send(letter: Letter) -> None:
        secure = address.scheme == "smtps"
        kind = smtplib.SMTP_SSL if secure else smtplib.SMTP
        with kind(
            address.hostname or "localhost", address.port or (465 if secure else 587), timeout=30
        ) as server:
            if not secure and server.has_extn("starttls"):
                server.starttls()
            if address.username:
                server.login(unquote(address.username), unquote(address.password or ""))
            server.send_message(_message(letter, sent_from))

    return send


def _message(letter: Letter, sent_from: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sent_from, letter.to, letter.subject
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    return message


def _to_file(letter: Letter, sent_from: str, outbox: Path) -> None:
    outbox.mkdir(parents=True, exist_ok=True)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}.eml"
    (outbox / f"{name}.part").write_bytes(_message(letter, sent_from).as_bytes())
    (outbox / f"{name}.part").rename(outbox / name)
