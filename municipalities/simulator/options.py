"""The simulator's options, the same with and without Django."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Collection
from pathlib import Path
from typing import Any

from municipalities.simulator import script
from municipalities.simulator.faults import PROFILES, Act, mixed
from municipalities.simulator.town import Settings


def fault(text: str) -> Act:
    """A profile, or several in one, and the percentage of the towns that get it.

    >>> act = fault("slow+duplicate:10")
    >>> act.profile.name, act.percent
    ('slow+duplicate', 10.0)
    """
    name, _, percent = text.partition(":")
    try:
        share = float(percent or "100")
    except ValueError:
        share = -1.0
    if not set(name.split("+")) <= set(PROFILES) or not 0 <= share <= 100:
        raise ArgumentTypeError(f"PROFILE[+PROFILE…]:PERCENT with {', '.join(PROFILES)}")
    return Act(profile=mixed(name.split("+")), percent=share)


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--hub", default="http://127.0.0.1:8000", help="base address of the hub")
    parser.add_argument("--port", type=int, default=9100, help="port on 127.0.0.1 (default 9100)")
    parser.add_argument("--sftp-port", type=int, default=9122, help="port of the SFTP server (default 9122)")
    parser.add_argument("--data", type=Path, default=Path(".data/simulator"), help="where the towns keep their books")
    parser.add_argument("--fault", type=fault, action="append", default=[], metavar="PROFILE:PERCENT",
                        help=f"how so many of the towns behave: {', '.join(PROFILES)}; several with +")  # fmt: skip
    parser.add_argument("--script", type=Path, help="TOML file: which towns behave how, and when")
    parser.add_argument("--speed", type=float, default=1.0, help="divide every delay by this")
    parser.add_argument("--poll", type=float, default=120.0, help="seconds between a town's own polls")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other misfortunes")


def settings(options: dict[str, Any], folder_root: Path, codes: Collection[str]) -> Settings:
    """The settings that the options ask for, to play these towns. Raises ``script.ScriptError``."""
    written = script.read(options["script"], codes) if options["script"] else ()
    return Settings(
        hub=options["hub"],
        port=options["port"],
        sftp_port=options["sftp_port"],
        data=options["data"],
        folder_root=folder_root,
        acts=(*options["fault"], *written),
        speed=options["speed"],
        poll_every=options["poll"],
        seed=options["seed"],
    )
