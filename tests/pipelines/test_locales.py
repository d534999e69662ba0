"""Every text that a person sees is there in four languages, with the same placeholders."""

from pathlib import Path
from string import Formatter

import pytest
from babel.messages import Catalog

from pipelines.catalogue import LANGUAGES, Catalogue
from pipelines.intake.labels import fold
from pipelines.locales import update
from pipelines.records import Finding
from pipelines.reporting import Sentences

FILLED_BY_SENTENCES = {"field", "table", "value", "cell", "row", "file", "sheet", "count"}
"""Placeholders that every finding has; the others come as parameters of the finding."""

LISTS = {"allowed", "known", "names"}


def placeholders(text: str) -> list[str]:
    return sorted(
        {name for _literal, name, _spec, _conversion in Formatter().parse(text) if name is not None}
    )


def faults(sources: Catalog, catalogue: Catalog) -> list[str]:
    """What is wrong with a catalogue, one line for each message."""
    found = []
    for message in sources:
        translated = catalogue.get(message.id) if message.id else None
        if not message.id:
            continue
        if translated is None:
            found.append(f"not in the catalogue: {message.id!r}")
        elif translated.fuzzy:
            found.append(f"fuzzy: {message.id!r}")
        else:
            originals = [message.id] if isinstance(message.id, str) else list(message.id)
            texts = [translated.string] if isinstance(translated.string, str) else list(translated.string)
            if not all(texts):
                found.append(f"without a translation: {message.id!r}")
            elif any(placeholders(text) != placeholders(originals[-1]) for text in texts):
                found.append(f"other placeholders: {message.id!r} -> {translated.string!r}")
    found += [
        f"said nowhere: {message.id!r}" for message in catalogue if message.id and message.id not in sources
    ]
    return found


@pytest.fixture(scope="module")
def sources() -> Catalog:
    return update.source_messages()


@pytest.mark.parametrize("language", update.TRANSLATED)
def test_the_catalogue_has_every_message_of_the_sources(language: str, sources: Catalog) -> None:
    assert faults(sources, update.read_catalogue(language)) == []


@pytest.mark.parametrize("language", update.TRANSLATED)
def test_the_catalogue_is_in_the_form_that_the_update_writes(language: str, tmp_path: Path) -> None:
    kept = update.catalogue_path(language).read_text(encoding="utf-8")
    # In a copy, so that a failing test does not mend the file it judges.
    for folder in update.SOURCES:
        for path in (update.CHECKOUT / folder).rglob("*.py"):
            target = tmp_path / path.relative_to(update.CHECKOUT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    target = update.catalogue_path(language, tmp_path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(kept, encoding="utf-8")
    assert update.update(language, tmp_path) == ([], [])
    assert target.read_text(encoding="utf-8") == kept


def test_faults_are_found_and_named() -> None:
    sources, catalogue = Catalog(), Catalog(locale="es")
    for text in ("new", "empty", "uncertain", "{count} rows", "right"):
        sources.add(text)
    catalogue.add("empty", "")
    catalogue.add("uncertain", "incierto", flags={"fuzzy"})
    catalogue.add("{count} rows", "{cuenta} filas")
    catalogue.add("right", "correcto")
    catalogue.add("old", "viejo")
    assert faults(sources, catalogue) == [
        "not in the catalogue: 'new'",
        "without a translation: 'empty'",
        "fuzzy: 'uncertain'",
        "other placeholders: '{count} rows' -> '{cuenta} filas'",
        "said nowhere: 'old'",
    ]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in update.SOURCES:
        (tmp_path / folder).mkdir()
    return tmp_path


def test_messages_inside_f_strings_are_found(project: Path) -> None:
    source = "title = f\"{_('Table')}: {self._('Rows')}\"\nprint(_('one '\n        'sentence'))\n"
    (project / "flows" / "say.py").write_text(source)
    assert {message.id for message in update.source_messages(project) if message.id} == {
        "Table",
        "Rows",
        "one sentence",
    }


def test_a_message_that_is_not_written_out_is_refused(project: Path) -> None:
    (project / "flows" / "say.py").write_text("print(_(heading))\n")
    with pytest.raises(ValueError, match=r"flows/say\.py, line 1"):
        update.source_messages(project)


def test_update_keeps_translations_adds_the_new_and_drops_the_old(project: Path) -> None:
    say = project / "pipelines" / "say.py"
    say.write_text("_('kept'); _('old')\n")
    assert update.update("es", project) == (["kept", "old"], [])
    path = update.catalogue_path("es", project)
    path.write_text(path.read_text().replace('msgid "kept"\nmsgstr ""', 'msgid "kept"\nmsgstr "guardado"'))
    say.write_text("\n_('kept'); _('new')\n")
    assert update.update("es", project) == (["new"], ["old"])
    catalogue = update.read_catalogue("es", project)
    assert [(message.id, message.string) for message in catalogue if message.id] == [
        ("kept", "guardado"),
        ("new", ""),
    ]
    assert "#: pipelines/say.py\n" in path.read_text()
    assert "Date" not in path.read_text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_table_field_and_code_has_its_words(language: str, catalogue: Catalogue) -> None:
    texts, missing = catalogue.texts, []
    for package_type in catalogue.package_types.values():
        for table in package_type.tables:
            text = texts.tables.get((language, package_type.name, table.name))
            if text is None or not text.title.strip() or not text.description.strip():
                missing.append(f"{package_type.name}.{table.name}")
            for field in table.fields:
                key = (language, package_type.name)
                text = texts.fields.get((*key, table.name, field.name)) or texts.fields.get(
                    (*key, "*", field.name)
                )
                if text is None or not text.title.strip() or not text.description.strip():
                    missing.append(f"{package_type.name}.{table.name}.{field.name}")
    for codelist in catalogue.codelists.values():
        missing += [
            f"{codelist.name}: {code}"
            for code in codelist.codes
            if not texts.codes.get((language, codelist.name, code), "").strip()
        ]
    assert missing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_of_the_standard_is_left_over(language: str, catalogue: Catalogue) -> None:
    texts, types = catalogue.texts, catalogue.package_types
    tables = {(each.name, table.name) for each in types.values() for table in each.tables}
    fields = {
        (each.name, table, field.name)
        for each in types.values()
        for own in each.tables
        for field in own.fields
        for table in (own.name, "*")
    }
    codes = {(each.name, code) for each in catalogue.codelists.values() for code in each.codes}
    left = [key for key in texts.tables if key[0] == language and key[1:] not in tables]
    left += [key for key in texts.fields if key[0] == language and key[1:] not in fields]
    left += [key for key in texts.codes if key[0] == language and key[1:] not in codes]
    left += [key for key in texts.findings if key[0] == language and key[1] not in catalogue.findings]
    assert left == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_are_unique_within_a_table(language: str, catalogue: Catalogue) -> None:
    """Two columns with one heading could not be told apart when the file comes back."""
    twice = []
    for package_type in catalogue.package_types.values():
        for table in package_type.tables:
            seen: dict[str, str] = {}
            for field in table.fields:
                title = catalogue.texts.field(language, package_type.name, table.name, field.name).title
                other = seen.setdefault(fold(title), field.name)
                if other != field.name:
                    twice.append(f"{table.name}: {other} and {field.name} are both {title!r}")
    assert twice == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_has_its_three_sentences(language: str, catalogue: Catalogue) -> None:
    texts = catalogue.texts.findings
    assert [
        code
        for code in catalogue.findings
        if (language, code) not in texts or not all(part.strip() for part in texts[language, code])
    ] == []


@pytest.mark.parametrize("language", update.TRANSLATED)
def test_findings_have_the_same_placeholders(language: str, catalogue: Catalogue) -> None:
    texts = catalogue.texts.findings
    assert [
        f"{code}.{part}"
        for code in catalogue.findings
        for part in ("what", "why", "fix")
        if placeholders(getattr(texts[language, code], part))
        != placeholders(getattr(texts["en", code], part))
    ] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_can_be_read(language: str, catalogue: Catalogue) -> None:
    sentences = Sentences(catalogue, catalogue.package_type("procurement"), language)
    unreadable = []
    for code in catalogue.findings:
        whole = " ".join(catalogue.texts.finding(language, code))
        told = {name: f"⟨{name}⟩" for name in placeholders(whole) if name not in FILLED_BY_SENTENCES}
        parameters = {name: [mark] if name in LISTS else mark for name, mark in told.items()}
        finding = Finding(
            code,
            table="contracts",
            field="value_amount",
            source_file="contracts.csv",
            row_number=7,
            value="nine",
            parameters=parameters,
        )
        text = " ".join(sentences.finding(finding, count=3))
        # The name of a type, of a kind or of a reading is put into words, whatever it is.
        lost = [name for name, mark in told.items() if mark not in text and name not in ("type", "kind")]
        if "{" in text or "}" in text or lost:
            unreadable.append(f"{code}: {lost} {text}")
    assert unreadable == []
