"""Row-level security that costs a statement little to plan: what looks into another table becomes a function.

PostgreSQL plans the sub-queries of every policy with every statement, and those of the tables they look into; a
function in PL/pgSQL is planned once a connection. What each policy lets through stays the same.
"""

import re

from django.db import migrations
from django.db.migrations.operations import RunPython, RunSQL

#: Functions by name: whether who acts sees a row of a table.
SEES = {
    "hub_sees_relocation": ("relocations_relocation", "id", "uuid"),
    "hub_sees_leg": ("relocations_leg", "relocation_id", "uuid"),
    "hub_sees_delivery": ("deliveries_delivery", "id", "uuid"),
    "hub_sees_task": ("procedures_task", "id", "uuid"),
}

RELEASED = """
CREATE FUNCTION hub_released(relocation uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN
    NOT EXISTS (SELECT 1 FROM relocations_leg AS leg WHERE leg.relocation_id = relocation AND leg.guard <> '')
    OR EXISTS (SELECT 1 FROM protection_release AS one
                WHERE one.relocation_id = relocation AND one.act = 'SEE'
                  AND one.asked_by = current_setting('hub.account', true)
                  AND one.released_at IS NOT NULL AND now() < one.until);
END $$;
ALTER POLICY released ON vault_datakey
      USING (current_setting('hub.actor', true) <> 'clerk' OR hub_released(relocation_id));
"""
RELEASED_BEFORE = """
ALTER POLICY released ON vault_datakey USING (
    (SELECT current_setting('hub.actor', true)) <> 'clerk'
    OR NOT EXISTS (SELECT 1 FROM relocations_leg AS leg
                    WHERE leg.relocation_id = vault_datakey.relocation_id AND leg.guard <> '')
    OR EXISTS (SELECT 1 FROM protection_release AS one
                WHERE one.relocation_id = vault_datakey.relocation_id AND one.act = 'SEE'
                  AND one.asked_by = (SELECT current_setting('hub.account', true))
                  AND one.released_at IS NOT NULL AND now() < one.until));
DROP FUNCTION hub_released(uuid);
"""

#: How PostgreSQL prints what is replaced, and by what.
SETTING = re.compile(r"\( SELECT current_setting\('(hub\.\w+)'::text, true\) AS current_setting\)")
LOOKS = re.compile(r"EXISTS \( SELECT 1\s+FROM (\w+) (\w+)\s+WHERE \(\2\.(\w+) = (\w+\.\w+)\)\)")
FUNCTIONS = {(table, column): name for name, (table, column, _kind) in SEES.items()}
#: Planned with statements that the hub makes all the time; rows are removed by the purge alone.
POLICIES = """
SELECT tablename, policyname, qual, with_check FROM pg_policies
 WHERE schemaname = current_schema() AND cmd <> 'DELETE' ORDER BY tablename, policyname
"""


def _function(found: re.Match[str]) -> str:
    name = FUNCTIONS.get((found[1], found[3]))
    return f"{name}({found[4]})" if name else found[0]


def plan_once(apps, schema_editor) -> None:
    """Put functions in the place of sub-queries, in every policy."""
    with schema_editor.connection.cursor() as cursor:
        for name, (table, column, kind) in SEES.items():
            cursor.execute(
                f"CREATE FUNCTION {name}(wanted {kind}) RETURNS boolean LANGUAGE plpgsql STABLE AS"
                f" $$ BEGIN RETURN EXISTS (SELECT 1 FROM {table} AS one WHERE one.{column} = wanted); END $$"
            )
        cursor.execute(POLICIES)
        for table, policy, *conditions in cursor.fetchall():
            clauses = [
                f"{word} ({LOOKS.sub(_function, SETTING.sub(SETTING_NOW, condition))})"
                for word, condition in zip(("USING", "WITH CHECK"), conditions, strict=True)
                if condition is not None
            ]
            cursor.execute(f"ALTER POLICY {policy} ON {table} {' '.join(clauses)}")


SETTING_NOW = r"current_setting('\1'::text, true)"
LOOKED = re.compile(rf"({'|'.join(SEES)})\((\w+\.)?(\w+)\)")


def plan_always(apps, schema_editor) -> None:
    """Put the sub-queries back."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(POLICIES)
        for table, policy, *conditions in cursor.fetchall():
            clauses = [
                f"{word} ({LOOKED.sub(lambda found: _query(table, found), condition)})"
                for word, condition in zip(("USING", "WITH CHECK"), conditions, strict=True)
                if condition is not None
            ]
            cursor.execute(f"ALTER POLICY {policy} ON {table} {' '.join(clauses)}")
        for name, (_table, _column, kind) in SEES.items():
            cursor.execute(f"DROP FUNCTION {name}({kind})")


def _query(table: str, found: re.Match[str]) -> str:
    other, column, _kind = SEES[found[1]]
    return f"EXISTS (SELECT 1 FROM {other} AS one WHERE one.{column} = {found[2] or table + '.'}{found[3]})"


class Migration(migrations.Migration):

    dependencies = [
        ("audit", "0001_initial"),
        ("api", "0002_consent_per_version"),
        ("conformance", "0001_initial"),
        ("consents", "0001_initial"),
        ("deliveries", "0005_purge"),
        ("duplicates", "0001_initial"),
        ("fidelity", "0001_initial"),
        ("procedures", "0002_task_opens_on"),
        ("protection", "0001_initial"),
        ("relocations", "0006_alerts_not_guarded"),
        ("shadow", "0001_initial"),
        ("vault", "0001_initial"),
    ]

    operations = [
        RunPython(plan_once, plan_always),
        RunSQL(RELEASED, RELEASED_BEFORE),
    ]
