"""Django application of onboarding."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OnboardingConfig(AppConfig):
    """Municipalities that are being connected."""

    name = "hub.onboarding"
    label = "onboarding"
    verbose_name = _("Onboarding")
