"""The citizen's pages: start, sign in, the form, and where each relocation stands."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views as auth
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hub.accounts.models import User
from hub.actors import Actor
from hub.catalogue import Refusal
from hub.citizens import calendar, pages, procedures, shown, standing, steps
from hub.citizens.access import for_citizens, is_citizen
from hub.citizens.amending import Amending
from hub.consents import services as consents
from hub.ids import is_receipt_no
from hub.relocations import changing, facts, services, status
from hub.relocations.models import Relocation
from hub.vault.services import ShreddedError

#: The demo lies above the pages, so it is asked for by name, and only when it runs.
DEMO = "hub.demo.seed."
MOST = 50


@require_safe
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """What this is, and the relocations of who signed in."""
    context: dict[str, Any] = {"is_citizen": is_citizen(request)}
    if is_citizen(request):
        assert isinstance(request.user, User)  # noqa: S101 - only who signed in comes here
        actor = request.user.actor
        rows = Relocation.objects.filter(owner=actor.owner).select_related("origin", "destination")
        context |= {"relocations": shown.every(rows.order_by("-pk")[:MOST]), "agreed": consents.answered_by(actor)}
    return render(request, "citizens/home.html", context)


class SignIn(auth.LoginView):
    """Sign in with name and password; a demo prints its accounts beside it."""

    template_name = "citizens/sign_in.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        demo = settings.HUB_DEMO
        return super().get_context_data(
            accounts=import_string(f"{DEMO}ACCOUNTS") if demo else (),
            password=import_string(f"{DEMO}PASSWORD") if demo else "",
            **kwargs,
        )


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@for_citizens
def file(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The form, page by page; the draft travels with the pages."""
    return _form(request, actor)


def _form(request: HttpRequest, actor: Actor, amending: Amending | None = None) -> HttpResponse:
    """A page of the form: of a new filing, or of one that is being changed."""
    earlier = [] if amending else open_moves(actor)
    if request.method != "POST":
        return pages.show(request, steps.review(amending.draft()) if amending else steps.start(earlier), amending)
    language = request.POST.get("go", "").removeprefix("language:")
    if language in dict(settings.LANGUAGES):
        translation.activate(language)
    try:
        turn = steps.turn(request.POST, earlier, amends=amending is not None)
        if amending:
            amending.examine(turn.sheet)
        if not turn.submit or turn.sheet.general:
            response = pages.show(request, turn, amending)
        else:
            response = _amend(request, turn, actor, amending) if amending else _take_in(request, turn, actor)
    except ValueError as error:
        raise BadRequest("This is no page of the form.") from error
    if language in dict(settings.LANGUAGES):
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, samesite="Lax")
    return response


def open_moves(actor: Actor) -> list[tuple[str, str]]:
    """The citizen's own moves that may have to be registered before the next one, in a few words each."""
    over = (*standing.ENDED, *facts.REGISTERED)
    mine = Relocation.objects.filter(owner=actor.owner, destination__isnull=False)
    rows = mine.exclude(frozen_at=None, state__in=over).exclude(frozen_at__isnull=False, frozen_state__in=over)
    return [
        (row.receipt_no, _("%(number)s: to %(town)s") % {"number": row.receipt_no, "town": row.destination.full_name})
        for row in shown.every(rows.select_related("destination").order_by("-pk")[:MOST])
        if row.destination is not None
    ]


def _take_in(request: HttpRequest, turn: steps.Turn, actor: Actor) -> HttpResponse:
    """File it, and go where it can be followed."""
    try:
        relocation, new = services.file(turn.sheet.filing(), actor, turn.draft.key)
    except Refusal as refusal:
        if refusal.lead.code == "E202":
            messages.info(request, _("This form was filed before; what you changed afterwards was not filed."))
            return redirect("citizens:home")
        for problem in refusal.problems:
            turn.sheet.tell(problem)
        return pages.show(request, turn)
    if new:
        messages.success(request, _("Your filing was received. Please note the receipt number."))
    return redirect("citizens:status", relocation.receipt_no)


def _amend(request: HttpRequest, turn: steps.Turn, actor: Actor, amending: Amending) -> HttpResponse:
    """Put the new version in the place of the old one; the town may have decided meanwhile."""
    try:
        amending.save(turn.draft, turn.sheet, actor)
    except Refusal as refusal:
        if refusal.lead.code == "E200":
            return _too_late(request, amending.relocation)
        for problem in refusal.problems:
            turn.sheet.tell(problem)
        return pages.show(request, turn, amending)
    messages.success(request, _("Your filing was changed."))
    return redirect("citizens:status", amending.relocation.receipt_no)


def _too_late(request: HttpRequest, relocation: Relocation) -> HttpResponse:
    """The town has decided: it puts its record right itself. What has ended says so on its own page."""
    if relocation.state in standing.ENDED:
        return redirect("citizens:status", relocation.receipt_no)
    messages.info(
        request,
        _(
            "The municipality has decided already, so this page cannot change it any more."
            " Please call its counter and give the receipt number; it puts its record right."
        ),
    )
    return redirect("citizens:status", relocation.receipt_no)


def own(actor: Actor, receipt_no: str) -> Relocation:
    """The citizen's own relocation; everything else does not exist, whatever the reason."""
    try:
        relocation = status.visible(receipt_no=receipt_no) if is_receipt_no(receipt_no) else None
    except Refusal:
        relocation = None
    if relocation is None or relocation.owner != actor.owner:
        raise Http404
    return relocation


@require_safe
@for_citizens
def show_status(request: HttpRequest, actor: Actor, receipt_no: str) -> HttpResponse:
    """Each town: what it was told, what it said, what comes next and by when."""
    return render(request, "citizens/status.html", {"standing": shown.of(own(actor, receipt_no))})


@require_POST
@for_citizens
def answer(request: HttpRequest, actor: Actor, receipt_no: str) -> HttpResponse:
    """Keep what was answered about the follow-on procedures, and show what it leads to."""
    relocation = own(actor, receipt_no)
    try:
        new = changing.answer(relocation.pk, actor, procedures.read(request.POST))
    except (ValueError, Refusal) as error:
        raise BadRequest("This is no answer to these questions.") from error
    if new:
        messages.success(request, _("Your answers were kept."))
    return redirect(reverse("citizens:status", args=[receipt_no]) + "#procedures")


@require_safe
@for_citizens
def show_calendar(_request: HttpRequest, actor: Actor, receipt_no: str) -> HttpResponse:
    """The last days as a calendar file."""
    entries = standing.entries(shown.of(own(actor, receipt_no)))
    content = calendar.render(entries, receipt_no, datetime.now(UTC))
    headers = {"Content-Disposition": f'attachment; filename="{receipt_no}.ics"'}
    return HttpResponse(content, content_type="text/calendar; charset=utf-8", headers=headers)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@for_citizens
def amend(request: HttpRequest, actor: Actor, receipt_no: str) -> HttpResponse:
    """Change what was filed, until the municipality has decided: the form again, with what changes before and after."""
    relocation = own(actor, receipt_no)
    if not standing.may_withdraw(relocation):
        return _too_late(request, relocation)
    try:
        amending = Amending.of(relocation)
    except ShreddedError:
        raise Http404 from None
    return _form(request, actor, amending)


@require_http_methods(["GET", "HEAD", "POST"])
@for_citizens
def withdraw(request: HttpRequest, actor: Actor, receipt_no: str) -> HttpResponse:
    """Ask whether it is meant, then take the filing back."""
    relocation = own(actor, receipt_no)
    if relocation.state in changing.ENDED:
        return _too_late(request, relocation)
    if request.method != "POST":  # whether it is taken back or cancelled is known when it is done, under the lock
        cancels = standing.may_cancel(relocation)
        return render(request, "citizens/withdraw.html", {"relocation": relocation, "cancels": cancels})
    try:
        if status.as_it_stands(changing.withdraw(relocation.pk, actor)).state == "WITHDRAWN":
            messages.success(request, _("Your filing was withdrawn."))
        else:
            messages.info(
                request,
                _(
                    "The municipality has decided already. Whether the move is cancelled it decides;"
                    " please ask at its counter."
                ),
            )
    except ShreddedError:
        raise Http404 from None
    except Refusal as refusal:
        messages.error(request, f"{refusal.lead.entry.title} {refusal.lead.entry.remedy}")
    return redirect("citizens:status", receipt_no)
