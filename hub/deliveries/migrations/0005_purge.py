"""What belongs to a relocation whose key was deleted may be removed; nothing else ever."""

from django.db import migrations

from hub.actors import IS_HUB

SHREDDED = "NOT EXISTS (SELECT 1 FROM vault_datakey AS key WHERE key.relocation_id = {}.relocation_id)"
OWN = SHREDDED.format("deliveries_delivery")
OF_DELIVERY = (
    "EXISTS (SELECT 1 FROM deliveries_delivery AS delivery WHERE delivery.id = delivery_id"
    f" AND {SHREDDED.format('delivery')})"
)
TABLES = {"deliveries_delivery": OWN} | {
    f"deliveries_{name}": OF_DELIVERY for name in ("event", "receipt", "return", "difference")
}


def allow(table, condition):
    return migrations.RunSQL(
        sql=f"ALTER POLICY removes ON {table} USING ({IS_HUB} AND {condition})",
        reverse_sql=f"ALTER POLICY removes ON {table} USING (false)",
    )


class Migration(migrations.Migration):

    dependencies = [
        ('deliveries', '0004_windows_reconciliation_replays'),
        ('vault', '0001_initial'),
    ]

    operations = [allow(table, condition) for table, condition in TABLES.items()]
