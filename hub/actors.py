"""Who acts in this transaction, told to PostgreSQL so that row-level security can decide.

Every table that holds a municipality's rows carries policies over four settings, set per transaction:
``hub.actor`` (who), ``hub.municipality`` (which town's clerk or system), ``hub.account`` (which citizen or
partner front), ``hub.duty`` (what a clerk is entrusted with besides). A connection without a setting sees nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.operations import RunSQL

from hub.postgresql import require_version


class ActorKind(StrEnum):
    """Who may act."""

    NOBODY = ""
    HUB = "hub"  #: the hub's own rules: intake, journey, courier
    OPERATOR = "operator"  #: runs the hub; sees states, never persons
    CLERK = "clerk"  #: 職員 of one municipality
    SYSTEM = "system"  #: machine client of one municipality
    CITIZEN = "citizen"  #: 届出人
    FRONT = "front"  #: partner front that files for citizens


#: Duty of a clerk who handles protection measures (支援措置) of the own town.
PROTECTS = "protection"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts; ``name`` is an account's primary key or a client id, never a person's name."""

    kind: ActorKind
    municipality: str = ""
    name: str = ""
    duty: str = ""

    @property
    def owner(self) -> str:
        """What it files is its own under this name; an account and a client never share one."""
        return f"{self.kind.value}:{self.name}"


NOBODY = Actor(ActorKind.NOBODY)
HUB = Actor(ActorKind.HUB, name="hub")

_acting: ContextVar[Actor] = ContextVar("acting", default=NOBODY)


def current() -> Actor:
    """Return who acts now."""
    return _acting.get()


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Run a transaction (or a savepoint of the one that runs) as this actor."""
    before, nested = _acting.get(), connection.in_atomic_block
    already = nested and before == actor
    with transaction.atomic():
        if not already:
            _tell(actor)
        token = _acting.set(actor)
        try:
            yield
        finally:
            _acting.reset(token)
    # A setting local to the transaction outlives a savepoint that is released, not one rolled back.
    if nested and not already:
        _tell(before)


def _tell(actor: Actor) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('hub.actor', %s, true), set_config('hub.municipality', %s, true),"
            " set_config('hub.account', %s, true), set_config('hub.duty', %s, true)",
            [actor.kind.value, actor.municipality, actor.name, actor.duty],
        )


# Conditions for policies. A sub-query in a policy is planned with every statement, and with it the policies of what
# it looks into: what must look into another table calls a function, which is planned once a connection.
ACTOR = "current_setting('hub.actor', true)"
IS_HUB = f"{ACTOR} = 'hub'"
IS_STAFF = f"{ACTOR} IN ('hub', 'operator')"
ACCOUNT = "current_setting('hub.account', true)"
#: The clerk who acts handles protection measures; of which town, ``is_town`` says.
IS_PROTECTING = f"({ACTOR} = 'clerk' AND current_setting('hub.duty', true) = '{PROTECTS}')"


def is_town(column: str = "municipality_id") -> str:
    """SQL: the row belongs to the town whose clerk or system acts."""
    return f"({ACTOR} IN ('clerk', 'system') AND {column} = current_setting('hub.municipality', true))"


def row_security(table: str, sees: str, adds: str, changes: str = "", removes: str = "false") -> RunSQL:
    """Migration operation: what may be seen, added, changed (as ``adds`` if not given) and removed of a table.

    FORCE makes the policy bind the owner of the table too, which is the role the hub runs as.
    """
    return RunSQL(
        sql=(
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"
            f"CREATE POLICY sees ON {table} FOR SELECT USING ({sees});"
            f"CREATE POLICY adds ON {table} FOR INSERT WITH CHECK ({adds});"
            f"CREATE POLICY changes ON {table} FOR UPDATE USING ({changes or adds});"
            f"CREATE POLICY removes ON {table} FOR DELETE USING ({removes});"
        ),
        reverse_sql=(
            "".join(f"DROP POLICY {name} ON {table};" for name in ("sees", "adds", "changes", "removes"))
            + f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY; ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;"
        ),
    )


def narrowed(table: str, name: str, sees: str) -> RunSQL:
    """Migration operation: of what a table's policies show, show only this (a RESTRICTIVE policy for reading)."""
    return RunSQL(
        sql=f"CREATE POLICY {name} ON {table} AS RESTRICTIVE FOR SELECT USING ({sees})",
        reverse_sql=f"DROP POLICY {name} ON {table}",
    )


_checked: set[str] = set()


def refuse_unsafe_server(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Refuse to start as a role that row-level security does not bind, or on PostgreSQL before 15."""
    if connection.alias in _checked:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper OR rolbypassrls, current_setting('server_version_num')::int"
            " FROM pg_roles WHERE rolname = current_user"
        )
        bypasses, version = cursor.fetchone()
    require_version(version)
    if bypasses:
        raise ImproperlyConfigured(
            "The database role is a superuser or has BYPASSRLS: row-level security would not bind it. "
            "Create a role with NOSUPERUSER NOBYPASSRLS, make it the owner of the database, and use it in DATABASE_URL."
        )
    _checked.add(connection.alias)
