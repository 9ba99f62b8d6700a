"""Whatever else is asked under the API's address."""

from typing import Any

from rest_framework.request import Request

from hub.api.doors import Door
from hub.catalogue import refuse


class Nothing(Door):
    """An address that is none: 404 as for anything that this client cannot see."""

    authentication_classes: tuple[Any, ...] = ()
    permission_classes: tuple[Any, ...] = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse before anything is read."""
        raise refuse("E108")
