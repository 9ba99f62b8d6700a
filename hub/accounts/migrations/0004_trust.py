"""How clients prove themselves: credentials, bindings to certificates, what was said once."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_user_handles_protection'),
        ('oauth2_provider', '0022_refreshtoken_token_family_index'),
    ]

    operations = [
        migrations.CreateModel(
            name='Binding',
            fields=[
                ('token', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='binding', serialize=False, to='oauth2_provider.accesstoken')),
                ('thumbprint', models.CharField(max_length=43)),
            ],
        ),
        migrations.AddField(
            model_name='systemclient',
            name='needs_certificate',
            field=models.BooleanField(default=False, help_text="Tokens are bound to the client's TLS certificate (RFC 8705).", verbose_name='needs its certificate'),
        ),
        migrations.AddField(
            model_name='systemclient',
            name='networks',
            field=models.CharField(blank=True, help_text='From where it may call: networks (CIDR), separated by spaces; empty: anywhere.', max_length=500, verbose_name='networks'),
        ),
        migrations.AddField(
            model_name='systemclient',
            name='secret_expires_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='secret expires'),
        ),
        migrations.AddField(
            model_name='systemclient',
            name='signs_requests',
            field=models.BooleanField(default=False, help_text="Every request with a body must carry a signature (Standard Webhooks) by the connection's key.", verbose_name='signs its requests'),
        ),
        migrations.CreateModel(
            name='Credential',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('secret', 'secret'), ('key', 'public key'), ('certificate', 'certificate')], max_length=11, verbose_name='kind')),
                ('name', models.CharField(blank=True, max_length=100, verbose_name='name')),
                ('value', models.TextField(blank=True, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='created')),
                ('expires_at', models.DateTimeField(blank=True, null=True, verbose_name='expires')),
                ('revoked_at', models.DateTimeField(blank=True, null=True, verbose_name='taken back')),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='credentials', to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL, verbose_name='system')),
            ],
            options={
                'verbose_name': 'credential',
                'verbose_name_plural': 'credentials',
                'indexes': [models.Index(fields=['client', 'kind'], name='credential_of_client')],
                'constraints': [models.UniqueConstraint(condition=models.Q(models.Q(('kind', 'secret'), _negated=True), ('revoked_at', None)), fields=('client', 'kind', 'name'), name='credential_once')],
            },
        ),
        migrations.CreateModel(
            name='Nonce',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('value', models.CharField(max_length=64)),
                ('expires_at', models.DateTimeField(db_index=True)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('client', 'value'), name='nonce_once')],
            },
        ),
    ]
