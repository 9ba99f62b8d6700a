"""A consent belongs to one version of a filing: an amendment has its own."""

import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from hub.actors import ACCOUNT, ACTOR, IS_HUB, row_security

IS_OWNER = f"({ACTOR} = 'front' AND owner = {ACTOR} || ':' || {ACCOUNT})"


class Migration(migrations.Migration):

    dependencies = [
        ('api', '0001_initial'),
        ('relocations', '0001_initial'),
    ]

    operations = [
        # Made anew: what is sealed is bound to relocation and version.
        migrations.DeleteModel(name='Consent'),
        migrations.CreateModel(
            name='Consent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveSmallIntegerField(default=1, verbose_name='version')),
                ('owner', models.CharField(editable=False, max_length=120)),
                ('recorded_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='recorded')),
                ('body', models.BinaryField()),
                ('relocation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='front_consents', to='relocations.relocation')),
            ],
            options={
                'verbose_name': 'consent given to a front',
                'verbose_name_plural': 'consents given to fronts',
                'constraints': [models.UniqueConstraint(fields=('relocation', 'version'), name='consent_once')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='consent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='4dfdb16e43aa60d8c53337d5a7af4472fbbbf9ae', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_1c790', table='api_consent', when='BEFORE')),
        ),
        row_security("api_consent", f"{IS_HUB} OR {IS_OWNER}", IS_HUB, changes="false"),
    ]
