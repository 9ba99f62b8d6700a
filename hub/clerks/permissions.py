"""Who may do what at the desk: by the kind of account and one mark for clerks, never permission by permission."""

from functools import cache
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from hub.accounts import signing_in
from hub.accounts.models import User
from hub.actors import PROTECTS, ActorKind

#: Read by clerks (their own town's rows) and operators (states, never persons).
READ = {
    "relocations": ("relocation", "mover", "report", "event", "deadline", "alert"),
    "deliveries": (
        *("delivery", "event", "receipt", "return", "difference", "discrepancy", "reconciliation"),
        *("lane", "weeklyhours", "datedhours", "closure"),
    ),
    "municipalities": (
        "municipality",
        "connection",
        "calendarexception",
        "succession",
        "gaijitable",
        "gaiji",
        "outage",
    ),
    "shadow": ("change",),
    "conformance": ("report",),
    "fidelity": ("decision", "substitution"),
    "procedures": ("localrule",),
    "duplicates": ("case", "member"),
}
#: Read by clerks alone: which procedures a person needs, and what was agreed to at the counter, is about the person.
TOWNS_OWN = {"procedures": ("task", "step"), "consents": ("request",)}
#: Read by operators alone.
OVERSEEN = {"audit": ("entry",), "accounts": ("user", "systemclient", "credential"), "api": ("heartbeat",)} | {
    "onboarding": ("onboarding",)
}
#: What operators keep: how a municipality is reached, when it is open, who works at the desk.
KEPT = {
    "municipalities.change_municipality",
    "municipalities.add_connection",
    "municipalities.change_connection",
    "municipalities.add_gaijitable",
    "municipalities.change_gaijitable",
    "shadow.add_change",
    "municipalities.add_outage",
    "municipalities.change_outage",
    "municipalities.add_calendarexception",
    "municipalities.change_calendarexception",
    "municipalities.delete_calendarexception",
    "procedures.add_localrule",
    "procedures.change_localrule",
    *(f"deliveries.{act}_{model}" for act in ("add", "change", "delete") for model in ("weeklyhours", "datedhours")),
    "deliveries.add_closure",
    "deliveries.view_replay",
    "deliveries.add_replay",
    "onboarding.add_onboarding",
    "accounts.add_systemclient",
    "accounts.change_systemclient",
    "accounts.add_user",
    "accounts.change_user",
}
#: What a clerk may besides, whose account says so: plan changes of the own town's connection.
PLANNING = frozenset({"shadow.add_change"})


#: What a clerk may see besides, whose account says so: the protection measures of the own town.
PROTECTING = frozenset(
    f"protection.view_{model}" for model in ("measure", "expiry", "guarded", "release", "contactwish")
)


@cache
def permissions(kind: ActorKind) -> frozenset[str]:
    """Everything this kind of account may do, in Django's names."""
    read = {f"{app}.view_{model}" for app, models in READ.items() for model in models}
    overseen = {f"{app}.view_{model}" for app, models in OVERSEEN.items() for model in models}
    if kind is ActorKind.OPERATOR:
        return frozenset(read | overseen | KEPT)
    own = {f"{app}.view_{model}" for app, models in TOWNS_OWN.items() for model in models}
    return frozenset(read | own) if kind is ActorKind.CLERK else frozenset()


class KindBackend(ModelBackend):
    """Signs in by name and password, and answers what the kind of account may do."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """As Django's; after too many failures the form says how long to wait."""
        name = username or str(kwargs.get(User.USERNAME_FIELD) or "")
        signing_in.refuse_if_too_many(name, request)
        found = super().authenticate(request, username, password, **kwargs)
        if not isinstance(found, User):
            signing_in.failed(name, signing_in.address_of(request))
            return None
        return found

    def get_all_permissions(self, user_obj: User | AnonymousUser, obj: object = None) -> set[str]:
        """The table's permissions for staff; none about a single object, which the rows' own filter decides."""
        if not isinstance(user_obj, User) or not (user_obj.is_active and user_obj.is_staff) or obj is not None:
            return set()
        kind = user_obj.actor.kind
        planning = PLANNING if kind is ActorKind.CLERK and user_obj.plans_connections else frozenset[str]()
        protecting = PROTECTING if user_obj.actor.duty == PROTECTS else frozenset[str]()
        return set(permissions(kind) | planning | protecting)

    def get_user_permissions(self, user_obj: User | AnonymousUser, obj: object = None) -> set[str]:
        """As all permissions: there are no groups."""
        return self.get_all_permissions(user_obj, obj)

    def get_group_permissions(self, _user_obj: User | AnonymousUser, _obj: object = None) -> set[str]:
        """None: there are no groups."""
        return set()
