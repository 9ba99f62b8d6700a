"""What is said of a filing whose filer may not learn more is a change of it for its front, as with any filing."""

from django.db import migrations

TOUCH = """
CREATE FUNCTION api_touch_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO api_relocationchange (relocation_id, owner, changed_at)
    SELECT one.id, one.owner, clock_timestamp() FROM relocations_relocation AS one
     WHERE one.id = NEW.relocation_id AND one.owner LIKE 'front:%'
        ON CONFLICT (relocation_id) DO UPDATE SET changed_at = clock_timestamp();
    RETURN NULL;
END $$;
CREATE TRIGGER api_touch AFTER INSERT ON relocations_kept FOR EACH ROW EXECUTE FUNCTION api_touch_kept();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('api', '0005_light_guards'),
        ('relocations', '0013_kept'),
    ]

    operations = [
        migrations.RunSQL(TOUCH, "DROP TRIGGER api_touch ON relocations_kept; DROP FUNCTION api_touch_kept();"),
    ]
