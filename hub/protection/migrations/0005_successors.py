"""After a merger the successor's clerks of the role have the measures of the town that was, and nobody else has."""

from django.db import migrations

from hub.actors import IS_HUB, IS_PROTECTING, is_town

# A function, as every policy that looks into another table has one (``audit``, 0002): planned once. Of an area that was
# divided nobody keeps the measures: whose person it is, the hub does not know.
KEEPS = """
CREATE FUNCTION hub_keeps(wanted varchar) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE today date := (now() AT TIME ZONE 'Asia/Tokyo')::date;
BEGIN RETURN (
    WITH RECURSIVE reached(code) AS (
        SELECT wanted
         UNION
        SELECT one.successor_id FROM municipalities_succession AS one JOIN reached ON reached.code = one.predecessor_id
         WHERE one."on" <= today)
    SELECT count(*) = 1 AND min(town.code) = current_setting('hub.municipality', true)
      FROM municipalities_municipality AS town JOIN reached ON reached.code = town.code
     WHERE town.kind <> 'designated_city'
       AND (town.valid_from IS NULL OR town.valid_from <= today)
       AND (town.valid_to IS NULL OR town.valid_to >= today));
END $$
"""
ENTRUSTED = f"{IS_HUB} OR ({IS_PROTECTING} AND {is_town()})"
SUCCESSOR = f"{IS_HUB} OR ({IS_PROTECTING} AND ({is_town()} OR hub_keeps(municipality_id)))"
#: Policies by table, with the clause of each.
POLICIES = {
    "protection_measure": {"sees": "USING", "changes": "USING"},
    "protection_guarded": {"sees": "USING"},
    "protection_release": {"sees": "USING", "changes": "USING"},
    "protection_contactwish": {"sees": "USING", "changes": "USING"},
    "protection_expiry": {"sees": "USING", "changes": "USING"},
}


def altered(condition: str) -> str:
    return "".join(
        f"ALTER POLICY {policy} ON {table} {clause} ({condition});"
        for table, policies in POLICIES.items()
        for policy, clause in policies.items()
    )


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0002_policies_planned_once'),
        ('municipalities', '0006_sets_protection'),
        ('protection', '0004_expiry_of_every_town'),
    ]

    operations = [
        migrations.RunSQL(
            f"{KEEPS}; {altered(SUCCESSOR)}",
            f"{altered(ENTRUSTED)} DROP FUNCTION hub_keeps(varchar)",
        ),
    ]
