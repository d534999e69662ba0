"""What ``ingp doctor`` looks at."""

import importlib.metadata
import shutil
from dataclasses import dataclass

from pipelines.catalogue import LANGUAGES, load_catalogue
from pipelines.cli.words import _
from pipelines.exceptions import PipelineError
from pipelines.publication import current_release, read_release
from pipelines.settings import Settings
from pipelines.workflow import Installation, unfinished

_PINNED = {"duckdb": "2.0.0", "datasette": "1.0a41", "frictionless": "5.21.0"}
_FREE_BYTES = 2 * 2**30


@dataclass(frozen=True, slots=True)
class Examined:
    title: str
    ok: bool
    detail: str


def examine(settings: Settings) -> list[Examined]:
    """Standard, versions, folders, lake, ledger, releases: one line each."""
    results = [_versions(), _standard(settings)]
    if not results[-1].ok:
        return results
    results.append(_space(settings))
    try:
        site = Installation.open(settings)
    except PipelineError as error:
        return [*results, Examined(_("Data folder"), False, str(error))]
    waiting = unfinished(site)
    detail = (
        _("{count} unfinished; run “ingp status --resume”.").format(count=len(waiting))
        if waiting
        else _("nothing unfinished")
    )
    results.append(Examined(_("Submissions"), not waiting, detail))
    results.append(_release(site))
    return results


def _versions() -> Examined:
    found = {name: importlib.metadata.version(name) for name in _PINNED}
    wrong = [f"{name} {found[name]} ≠ {wanted}" for name, wanted in _PINNED.items() if found[name] != wanted]
    return Examined(
        _("Libraries"),
        not wrong,
        "; ".join(wrong) or ", ".join(f"{name} {version}" for name, version in found.items()),
    )


def _standard(settings: Settings) -> Examined:
    try:
        catalogue = load_catalogue(settings.schemas_dir, settings.datapackages_dir)
    except (PipelineError, OSError, KeyError) as error:
        return Examined(_("Standard"), False, str(error))
    missing = [
        code
        for code in catalogue.findings
        for language in LANGUAGES
        if (language, code) not in catalogue.texts.findings
    ]
    types = ", ".join(
        f"{each.name} {each.version} ({len(each.tables)})" for each in catalogue.package_types.values()
    )
    return Examined(_("Standard"), not missing, types if not missing else ", ".join(missing))


def _space(settings: Settings) -> Examined:
    folder = settings.zones.create().root
    free = shutil.disk_usage(folder).free
    return Examined(
        _("Data folder"),
        free > _FREE_BYTES,
        _("{folder}, {free} GB free").format(folder=folder, free=round(free / 2**30, 1)),
    )


def _release(site: Installation) -> Examined:
    folder = current_release(site.zones)
    if folder is None:
        return Examined(_("Release"), True, _("none yet; run “ingp publish”"))
    release = read_release(folder)
    missing = [
        file.path
        for file in release.files
        if not (folder / file.path).exists() or (folder / file.path).stat().st_size != file.bytes
    ]
    return Examined(
        _("Release"), not missing, ", ".join(missing) or f"{release.release_id} ({len(release.files)})"
    )
