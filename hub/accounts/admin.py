"""The desk's view of accounts: operators make and lock those of clerks and operators; citizens are not shown."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from hub import desk
from hub.accounts import client_admin as client_admin  # registers its pages
from hub.accounts.models import User
from hub.audit import services as audit


class OneKind(forms.ModelForm):
    """A clerk of one municipality, or an operator of the hub: never both, never neither."""

    def clean(self) -> dict[str, Any] | None:
        answers = super().clean() or self.cleaned_data
        if bool(answers.get("municipality")) == bool(answers.get("is_operator")):
            raise forms.ValidationError(gettext("Choose a municipality for a clerk, or mark an operator; not both."))
        return answers


class StaffForm(OneKind, UserChangeForm):
    """Changes an account."""


class NewStaffForm(OneKind, AdminUserCreationForm):
    """Makes an account."""

    class Meta(AdminUserCreationForm.Meta):
        model = User
        fields = ("username", "municipality", "is_operator")


@admin.register(User)
class StaffAdmin(UserAdmin):
    """Accounts of clerks and operators."""

    form = StaffForm
    add_form = NewStaffForm
    paginator = desk.Pages
    show_full_result_count = False
    list_display = ("username", "municipality", "is_operator", "is_active", "last_login")
    list_filter = ("is_operator", "is_active")
    list_select_related = ("municipality",)
    search_fields = ("username", "municipality__code__exact", "municipality__name")
    ordering = ("username",)
    filter_horizontal = ()
    autocomplete_fields = ("municipality",)
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Who"), {"fields": ("municipality", "plans_connections", "handles_protection", "is_operator", "is_active")}),
        (pgettext_lazy("account", "Times"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "usable_password", "password1", "password2")}),
        (_("Who"), {"fields": ("municipality", "is_operator")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """No citizens: operators see states, never persons."""
        return super().get_queryset(request).filter(is_staff=True, is_superuser=False)

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Accounts are locked, not deleted: what they did keeps their number."""
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Every account made here is for the desk; that it was made or changed is written down."""
        obj.is_staff = True
        super().save_model(request, obj, form, change)
        detail = {"fields": sorted(form.changed_data), "municipality": obj.municipality_id or ""}
        audit.record(audit.Act("account.changed" if change else "account.made", f"account:{obj.pk}", detail))
