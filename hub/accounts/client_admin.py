"""The desk's pages of machine clients: made, limited, given keys; a secret is shown once and to nobody again."""

from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from oauth2_provider.settings import oauth2_settings

from hub import desk
from hub.accounts import origin, trust
from hub.accounts.models import Credential, SystemClient, soon
from hub.audit import services as audit

if admin.site.is_registered(SystemClient):
    admin.site.unregister(SystemClient)  # the OAuth library's own page would let secrets be edited


class NewClientForm(forms.ModelForm):
    """A client of a municipality, or a partner front without one."""

    scopes = forms.MultipleChoiceField(
        label=_("scopes"), choices=lambda: oauth2_settings.SCOPES.items(), widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = SystemClient
        fields = ("client_id", "municipality", "scopes")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["client_id"].initial = ""

    def clean(self) -> dict[str, Any]:
        """Towns fetch and report, fronts file; nobody does both."""
        answers: dict[str, Any] = super().clean() or self.cleaned_data
        files = "relocations:file" in answers.get("scopes", [])
        if answers.get("scopes") and bool(answers.get("municipality")) == files:
            raise ValidationError(gettext("A municipality fetches and reports; a front without one files."))
        return answers


class ClientForm(forms.ModelForm):
    """What an operator may change of a client, and keys to be added."""

    key = forms.CharField(label=_("new public key (JWK)"), required=False, widget=forms.Textarea(attrs={"rows": 4}))
    certificate = forms.CharField(
        label=_("new certificate (PEM)"), required=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    until = forms.IntegerField(label=_("days they hold"), min_value=1, max_value=1_096, initial=365)

    class Meta:
        model = SystemClient
        fields = ("networks", "signs_requests", "needs_certificate")

    def clean_networks(self) -> str:
        """Networks in CIDR notation."""
        text = " ".join(self.cleaned_data["networks"].split())
        try:
            origin.networks(text.split())
        except ValueError as error:
            raise ValidationError(gettext("These are no networks: %(why)s.") % {"why": error}) from error
        return text

    def clean(self) -> dict[str, Any]:
        """Keys are added as they are read; a wrong one is named and nothing is changed."""
        answers: dict[str, Any] = super().clean() or self.cleaned_data
        ends = timezone.now() + timedelta(days=answers.get("until") or 365)
        for name, add in (("key", trust.add_key), ("certificate", trust.add_certificate)):
            if answers.get(name) and not self.errors:
                try:
                    add(self.instance, answers[name], ends)
                except ValidationError as error:
                    raise ValidationError({name: error.messages}) from error
        return answers


class CredentialRows(desk.Rows):
    """Secrets before the present one, public keys, certificates."""

    model = Credential
    fields = readonly_fields = ("kind", "name", "created_at", "expires_at", "revoked_at")

    def of_town(self, rows: QuerySet[Any], _code: str) -> QuerySet[Any]:
        """Operators alone come here."""
        return rows.none()


@admin.register(SystemClient)
class SystemClientAdmin(desk.Desk):
    """Machine clients; their secrets are shown once, when they are made."""

    form = ClientForm
    list_display = ("client_id", "municipality", "scopes", "secret_ends", "created")
    list_select_related = ("municipality",)
    search_fields = ("client_id", "municipality__name")
    ordering = ("client_id",)
    inlines = (CredentialRows,)
    readonly_fields = ("client_id", "municipality", "scopes", "secret_ends", "replacing", "created")
    fieldsets: ClassVar = (
        (None, {"fields": ("client_id", "municipality", "scopes", "created")}),
        (_("Secret"), {"fields": ("secret_ends", "replacing")}),
        (_("Limits"), {"fields": ("networks", "signs_requests", "needs_certificate")}),
        (_("Keys"), {"fields": ("key", "certificate", "until")}),
    )
    actions = ("end_tokens",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Operators alone."""
        return desk.is_operator(request)

    def has_change_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        """Operators alone."""
        return desk.is_operator(request)

    def get_urls(self) -> list[URLPattern]:
        """One page more: a new secret."""
        view = self.admin_site.admin_view(self.rotate)
        return [path("<int:pk>/secret/", view, name="accounts_systemclient_secret"), *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask who it is, make it, show its secret once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = NewClientForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            answers = form.cleaned_data
            town = answers["municipality"].pk if answers["municipality"] else None
            client, secret = trust.make(answers["client_id"], town, " ".join(answers["scopes"]))
            return self._shown(request, client, secret)
        return render(request, "accounts/client.html", self._context(request, gettext("New system"), form=form))

    def rotate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask, then show the new secret once; the present one goes on for a while."""
        client = get_object_or_404(SystemClient, pk=pk)
        if not self.has_change_permission(request, client):
            raise PermissionDenied
        if request.method == "POST":
            return self._shown(request, client, trust.rotate_secret(client))
        context = self._context(request, gettext("New secret"), client=client, days=trust.OVERLAP.days)
        return render(request, "accounts/client.html", context)

    def _shown(self, request: HttpRequest, client: SystemClient, secret: str) -> HttpResponse:
        context = self._context(request, gettext("Secret of the system"), client=client, secret=secret)
        response = render(request, "accounts/client.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def _context(self, request: HttpRequest, title: str, **more: Any) -> dict[str, Any]:
        return self.admin_site.each_context(request) | {"title": title, "opts": self.opts} | more

    def save_model(self, request: HttpRequest, obj: SystemClient, form: Any, change: bool) -> None:
        """Save and write down what was changed."""
        super().save_model(request, obj, form, change)
        detail = {"fields": sorted(form.changed_data), "municipality": obj.municipality_id or ""}
        audit.record(audit.Act("client.changed", f"client:{obj.client_id}", detail))

    @admin.display(description=_("secret expires"), ordering="secret_expires_at")
    def secret_ends(self, row: SystemClient) -> str:
        ends = row.secret_expires_at
        if ends is None:
            return gettext("never")
        warning = gettext("a new one is due") if soon(ends) else ""
        return f"{desk.short(ends)} {warning}".strip()

    @admin.display(description=_("new secret"))
    def replacing(self, row: SystemClient) -> str:
        link = reverse("admin:accounts_systemclient_secret", args=[row.pk])
        return format_html('<a href="{}">{}</a>', link, gettext("Make a new secret"))

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Operators alone."""
        return desk.is_operator(request)

    @admin.action(description=_("End all tokens"), permissions=["end"])
    def end_tokens(self, request: HttpRequest, rows: QuerySet[SystemClient]) -> None:
        """End every token of the chosen systems at once."""
        for client in rows:
            trust.end_tokens(client)
            audit.record(audit.Act("client.tokens_ended", f"client:{client.client_id}", {}))
        self.message_user(request, gettext("%(count)d systems have to fetch new tokens.") % {"count": len(rows)})


@admin.register(Credential)
class CredentialAdmin(desk.Desk):
    """Every credential, those that end soonest first; an operator may take one back."""

    list_display = ("client", "kind", "name", "created_at", "expires_at", "revoked_at")
    list_filter = ("kind",)
    list_select_related = ("client",)
    search_fields = ("client__client_id", "name")
    ordering = ("expires_at", "pk")
    fields = ("client", "kind", "name", "created_at", "expires_at", "revoked_at")
    actions = ("take_back",)

    def of_town(self, rows: QuerySet[Any], _code: str) -> QuerySet[Any]:
        """Operators alone come here."""
        return rows.none()

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Operators alone."""
        return desk.is_operator(request)

    @admin.action(description=_("Take back"), permissions=["revoke"])
    def take_back(self, request: HttpRequest, rows: QuerySet[Credential]) -> None:
        """End the chosen credentials and every token of their systems."""
        chosen = [row for row in rows if row.revoked_at is None]
        for row in chosen:
            trust.revoke(row)
        told = gettext("%(count)d credentials were taken back.") % {"count": len(chosen)}
        self.message_user(request, told, messages.SUCCESS)
