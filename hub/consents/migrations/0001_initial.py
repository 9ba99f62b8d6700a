"""Consents; seen by the filer and by who answered."""

import django.db.models.deletion
import django.utils.timezone
import hub.ids
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from hub.actors import ACCOUNT, ACTOR, IS_HUB, row_security

OF_RELOCATION = "EXISTS (SELECT 1 FROM relocations_relocation AS one WHERE one.id = relocation_id)"
#: The filer, who sees the relocation, and whoever answered.
CONCERNED = f"({ACTOR} IN ('citizen', 'front') AND (account = {ACTOR} || ':' || {ACCOUNT} OR {OF_RELOCATION}))"


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('relocations', '0004_consent_and_guard'),
    ]

    operations = [
        migrations.CreateModel(
            name='Request',
            fields=[
                ('id', models.UUIDField(default=hub.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('ordinal', models.PositiveSmallIntegerField(verbose_name='mover')),
                ('subject', models.BinaryField()),
                ('answer', models.CharField(choices=[('PENDING', 'asked, not answered yet'), ('CONFIRMED', 'agreed'), ('REFUSED', 'did not agree'), ('VOID', 'not needed any more')], default='PENDING', max_length=9, verbose_name='answer')),
                ('token', models.BinaryField(null=True, unique=True)),
                ('account', models.CharField(blank=True, editable=False, max_length=120)),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='asked')),
                ('answered_at', models.DateTimeField(null=True, verbose_name='answered')),
                ('relocation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='consents', to='relocations.relocation')),
            ],
            options={
                'verbose_name': 'consent',
                'verbose_name_plural': 'consents',
                'indexes': [models.Index(fields=['account', '-id'], name='consent_of_account')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('answer', 'VOID'), _negated=True), fields=('relocation', 'subject'), name='consent_asked_once'), models.UniqueConstraint(condition=models.Q(models.Q(('account', ''), _negated=True), models.Q(('answer', 'VOID'), _negated=True)), fields=('relocation', 'account'), name='consent_by_one_person'), models.CheckConstraint(condition=models.Q(('answer__in', ['PENDING', 'VOID']), models.Q(models.Q(('account', ''), _negated=True), ('answered_at__isnull', False)), _connector='OR'), name='consent_answered_by_somebody')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='request',
            trigger=pgtrigger.compiler.Trigger(name='answered_once', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."answer", \':\', NEW."answer") = ANY(\'{PENDING:CONFIRMED,PENDING:REFUSED,PENDING:VOID,CONFIRMED:VOID,REFUSED:VOID}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."answer" IS DISTINCT FROM NEW."answer") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "answer" from "%" to "%" on table %\', OLD."answer", NEW."answer", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='94fb2d06a176a0ce8a8438d3ed8ea159ec8ae07a', operation='UPDATE', pgid='pgtrigger_answered_once_520d0', table='consents_request', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='request',
            trigger=pgtrigger.compiler.Trigger(name='kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='e09972d3743aa43a3f385bf2e1c6cde26d3a0cf5', operation='DELETE', pgid='pgtrigger_kept_acacd', table='consents_request', when='BEFORE')),
        ),
        row_security("consents_request", f"{IS_HUB} OR {CONCERNED}", IS_HUB),
    ]
