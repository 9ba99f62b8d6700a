"""Users (citizens, clerks, operators) and the machine clients of municipalities and partner fronts."""

from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from oauth2_provider.models import AbstractApplication, ApplicationManager

from hub.actors import PROTECTS, Actor, ActorKind
from municipalities.models import Municipality


class User(AbstractUser):
    """Somebody who signs in. A clerk belongs to one municipality; an operator runs the hub."""

    municipality = models.ForeignKey(
        Municipality, models.PROTECT, null=True, blank=True, related_name="clerks", verbose_name=_("municipality")
    )
    is_operator = models.BooleanField(_("operator of the hub"), default=False)
    plans_connections = models.BooleanField(
        _("plans connections"),
        default=False,
        help_text=_("A clerk who may plan the change of the own municipality to another connection."),
    )
    handles_protection = models.BooleanField(
        _("handles protection"),
        default=False,
        help_text=_("A clerk who may know which persons of the own municipality are protected (支援措置)."),
    )

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")

    @property
    def actor(self) -> Actor:
        """Who this user is to row-level security."""
        name = str(self.pk)
        if self.is_operator:
            return Actor(ActorKind.OPERATOR, name=name)
        if self.municipality_id:
            return Actor(ActorKind.CLERK, self.municipality_id, name, PROTECTS if self.handles_protection else "")
        return Actor(ActorKind.CITIZEN, name=name)


class SystemClient(AbstractApplication):
    """An OAuth client (RFC 6749, 4.4): the system of one municipality, or a partner front without one."""

    municipality = models.ForeignKey(
        Municipality, models.PROTECT, null=True, blank=True, related_name="systems", verbose_name=_("municipality")
    )
    scopes = models.CharField(
        _("scopes"), max_length=200, blank=True, help_text=_("What it may ask for, separated by spaces.")
    )
    networks = models.CharField(
        _("networks"),
        max_length=500,
        blank=True,
        help_text=_("From where it may call: networks (CIDR), separated by spaces; empty: anywhere."),
    )
    signs_requests = models.BooleanField(
        _("signs its requests"),
        default=False,
        help_text=_("Every request with a body must carry a signature (Standard Webhooks) by the connection's key."),
    )
    needs_certificate = models.BooleanField(
        _("needs its certificate"),
        default=False,
        help_text=_("Tokens are bound to the client's TLS certificate (RFC 8705)."),
    )
    #: Of ``client_secret``, the newest one; those before it are credentials with a day of their own.
    secret_expires_at = models.DateTimeField(_("secret expires"), null=True, blank=True)

    objects = ApplicationManager()

    class Meta(AbstractApplication.Meta):
        verbose_name = _("system")
        verbose_name_plural = _("systems")

    @property
    def actor(self) -> Actor:
        """Who this client is to row-level security."""
        if self.municipality_id:
            return Actor(ActorKind.SYSTEM, self.municipality_id, self.client_id)
        return Actor(ActorKind.FRONT, name=self.client_id)


#: How long before its end a credential is warned about.
SOON = timedelta(days=30)


class CredentialKind(models.TextChoices):
    """By what a client proves itself."""

    SECRET = "secret", _("secret")
    KEY = "key", _("public key")
    CERTIFICATE = "certificate", _("certificate")


class CredentialQuerySet(models.QuerySet["Credential"]):
    """Credentials, by whether they still hold."""

    def valid(self) -> "CredentialQuerySet":
        """Those that were not taken back and have not expired."""
        still = models.Q(expires_at__isnull=True) | models.Q(expires_at__gt=timezone.now())
        return self.filter(still, revoked_at=None)


class Credential(models.Model):
    """What a client may prove itself by beside its newest secret: an older secret, a public key, a certificate."""

    client = models.ForeignKey(SystemClient, models.CASCADE, related_name="credentials", verbose_name=_("system"))
    kind = models.CharField(_("kind"), max_length=11, choices=CredentialKind)
    #: The key's id (kid), the certificate's thumbprint (x5t#S256); empty for a secret.
    name = models.CharField(pgettext_lazy("credential", "name"), max_length=100, blank=True)
    #: The hash of a secret, a public key as JWK; empty for a certificate.
    value = models.TextField(editable=False, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("taken back"), null=True, blank=True)

    objects = CredentialQuerySet.as_manager()

    class Meta:
        verbose_name = _("credential")
        verbose_name_plural = _("credentials")
        indexes = [models.Index(fields=["client", "kind"], name="credential_of_client")]
        constraints = [
            models.UniqueConstraint(
                fields=["client", "kind", "name"],
                condition=~models.Q(kind=CredentialKind.SECRET) & models.Q(revoked_at=None),
                name="credential_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def expires_soon(self) -> bool:
        """Whether a new one is due."""
        return soon(self.expires_at)


def soon(expires_at: datetime | None) -> bool:
    """Tell whether this is near enough to be warned about."""
    return expires_at is not None and expires_at < timezone.now() + SOON


class Binding(models.Model):
    """The certificate to which a token is bound (RFC 8705, 3): nobody else can use it."""

    token = models.OneToOneField(
        "oauth2_provider.AccessToken", models.CASCADE, primary_key=True, related_name="binding"
    )
    thumbprint = models.CharField(max_length=43)

    def __str__(self) -> str:
        return self.thumbprint


class Nonce(models.Model):
    """Something that a client may say once: the id of a JWT, a signature. Kept until it would be refused by its age."""

    client = models.ForeignKey(SystemClient, models.CASCADE, related_name="+")
    value = models.CharField(max_length=64)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client", "value"], name="nonce_once")]

    def __str__(self) -> str:
        return self.value
