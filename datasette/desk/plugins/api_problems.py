"""Problems of the interface for programs in words: what is wrong, and what to do next."""

from collections.abc import Callable
from typing import Any

from datasette import Request, Response, hookimpl

from pipelines.catalogue import LANGUAGES
from pipelines.desk.api import ProblemError
from pipelines.reporting.language import accepted


def words(_: Callable[[str], str]) -> dict[str, tuple[str, str]]:
    """Code -> (title, what to do)."""
    return {
        "sign-in": (
            _("Nobody is signed in"),
            _("Send a token in the header “Authorization: Bearer ingp_…”; you make one at /account."),
        ),
        "bad-token": (
            _("This token is not good"),
            _("It has expired, was revoked, or is not whole. Make a new one at /account."),
        ),
        "not-allowed": (
            _("You may not do this"),
            _("Your role does not include it. Ask somebody of your member who approves, or the Secretariat."),
        ),
        "token-scope": (
            _("This token may not do this"),
            _("You may, but not with this token. Make one with the right for it at /account."),
        ),
        "not-found": (
            _("There is nothing at this address"),
            _("Check the address and the identifier; you see what belongs to your own member only."),
        ),
        "method": (
            _("This address does not answer that method"),
            _("The header Allow names the methods that it answers."),
        ),
        "unreadable": (
            _("The request cannot be read"),
            _("Send the body whole, as UTF-8, in the form that its Content-Type says."),
        ),
        "too-large": (
            _("The request is too large"),
            _("Send fewer or smaller files, or compress them; /send names the largest size."),
        ),
        "media-type": (
            _("This kind of body is not taken"),
            _("See the description at /api/v1/openapi.json for the Content-Type that is."),
        ),
        "values": (
            _("Some values are not right"),
            _("Correct the values that “errors” names and send again."),
        ),
        "nothing-sent": (
            _("No file came"),
            _("Send each file as a part with the name “files”, with its file name, and not empty."),
        ),
        "decided": (
            _("Somebody was quicker"),
            _("The decision had been taken already. Look at where the submission stands now."),
        ),
        "second-person": (
            _("A second person is needed"),
            _("You have said yes already. Now another person of this member who may approve has to say yes."),
        ),
        "not-now": (
            _("This is not possible now"),
            _("The submission stands elsewhere: “state” and “moves” of the submission say what can be done."),
        ),
        "preview-first": (
            _("What would change has not been seen"),
            _("Ask for the preview, look at it, and send its “id” with your yes."),
        ),
        "rows-lost": (
            _("Rows of before would be lost"),
            _("If that is right, send “agrees_to_loss”: true; if not, send a file that has them too."),
        ),
        "key-reused": (
            _("This Idempotency-Key was used for another request"),
            _("Use a new key for each new request, and the same key only to repeat it."),
        ),
        "key-running": (
            _("The same request is being done"),
            _("Wait some seconds and repeat it with the same Idempotency-Key: you get its answer."),
        ),
        "failed": (
            _("Something went wrong with us"),
            _(
                "Nothing of yours is lost. Please repeat the request in some minutes, with the same Idempotency-Key."
            ),
        ),
    }


def language_of(request: Request, usual: str) -> str:
    """?lang=, then Accept-Language, then the usual way of pages."""
    asked = request.args.get("lang") or ""
    return asked if asked in LANGUAGES else accepted(request.headers.get("accept-language", "")) or usual


@hookimpl
def startup(datasette: Any) -> None:
    """``datasette.problem(request, error)``: the answer; ``datasette.problem_words(_)`` for the page that explains them."""

    def problem(request: Request, error: ProblemError) -> Response:
        language = language_of(request, datasette.language_of(request))
        title, told = words(datasette.words_in(language).gettext)[error.code]
        home = datasette.desk.site.settings.desk_url
        body = {
            "type": f"{home}/developers#{error.code}", "title": title, "status": error.status, "detail": told,
            "code": error.code, "instance": request.path, **({"errors": error.errors} if error.errors else {}),
        }  # fmt: skip
        headers = {"content-language": language, "cache-control": "no-store"}
        if error.status == 401:
            headers["www-authenticate"] = "Bearer" + (
                ' error="invalid_token"' if error.code == "bad-token" else ""
            )
        if error.code == "key-running":
            headers["retry-after"] = "5"
        answer = Response.json(body, status=error.status, headers=headers)
        answer.content_type = "application/problem+json"
        return answer

    datasette.problem, datasette.problem_words = problem, words
