"""What a process reads and compiles before its work begins, so that nobody who comes first waits for it."""

import gc
from inspect import signature
from types import ModuleType

from django.urls import get_resolver

from hub import catalogue
from hub.procedures import tables as procedures
from hub.relocations import clocks
from hub.relocations import tables as relocations
from municipalities import standard

#: New objects after which Python looks for circles among the youngest: a call makes thousands, and hardly any circle.
YOUNG = 20_000


def web() -> None:
    """The doors, besides what every process needs."""
    assert get_resolver().url_patterns  # noqa: S101 - asking for them imports them
    worker()


def worker() -> None:
    """The tables of the rules, and the record standards."""
    for module in (catalogue, clocks, procedures, relocations):
        read(module)
    standard.load_all()
    gc.collect()
    gc.freeze()  # what was read stays: nobody looks through it again, and a process that forks shares it
    gc.set_threshold(YOUNG, 20, 20)


def read(module: ModuleType) -> None:
    """Call every function of a module that keeps one answer."""
    for made in vars(module).values():
        if hasattr(made, "cache_info") and not signature(made).parameters:
            made()
