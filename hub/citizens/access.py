"""Who may use the citizen's pages: the citizen who signed in; clerks and operators have a desk of their own."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from hub.accounts.models import User
from hub.actors import Actor, ActorKind

Rest = ParamSpec("Rest")


def actor_of(request: HttpRequest) -> Actor | None:
    """Who acts, if somebody signed in."""
    return request.user.actor if isinstance(request.user, User) else None


def is_citizen(request: HttpRequest) -> bool:
    """Whether a citizen signed in."""
    actor = actor_of(request)
    return actor is not None and actor.kind is ActorKind.CITIZEN


def for_citizens(
    view: Callable[Concatenate[HttpRequest, Actor, Rest], HttpResponse],
) -> Callable[Concatenate[HttpRequest, Rest], HttpResponse]:
    """Give the view who acts; others are asked to sign in or find no page. Nothing of it is kept in a cache."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponse:
        actor = actor_of(request)
        if actor is None or actor.kind is not ActorKind.CITIZEN:
            raise Http404
        return view(request, actor, *args, **kwargs)

    found: Any = never_cache(login_required(guarded))
    return found  # type: ignore[no-any-return]
