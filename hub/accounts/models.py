"""Users (citizens, clerks, operators) and the machine clients of municipalities and partner fronts."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _
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
