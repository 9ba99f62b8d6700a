"""The simulator's options, the same with and without Django."""

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from municipalities.simulator.faults import PROFILES
from municipalities.simulator.town import Settings


def fault(text: str) -> tuple[str, float]:
    """A profile and the percentage of the towns that get it.

    >>> fault("slow:10")
    ('slow', 10.0)
    """
    name, _, percent = text.partition(":")
    try:
        share = float(percent or "100")
    except ValueError:
        share = -1.0
    if name not in PROFILES or not 0 <= share <= 100:
        raise ArgumentTypeError(f"PROFILE:PERCENT with one of {', '.join(PROFILES)}")
    return name, share


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--hub", default="http://127.0.0.1:8000", help="base address of the hub")
    parser.add_argument("--port", type=int, default=9100, help="port on 127.0.0.1 (default 9100)")
    parser.add_argument("--sftp-port", type=int, default=9122, help="port of the SFTP server (default 9122)")
    parser.add_argument("--data", type=Path, default=Path(".data/simulator"), help="where the towns keep their books")
    parser.add_argument("--fault", type=fault, action="append", default=[], metavar="PROFILE:PERCENT",
                        help=f"let so many of the towns misbehave: {', '.join(PROFILES)}")  # fmt: skip
    parser.add_argument("--speed", type=float, default=1.0, help="divide every delay by this")
    parser.add_argument("--poll", type=float, default=120.0, help="seconds between a town's own polls")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other misfortunes")


def settings(options: dict[str, Any], folder_root: Path) -> Settings:
    """The settings that the options ask for."""
    return Settings(
        hub=options["hub"],
        port=options["port"],
        sftp_port=options["sftp_port"],
        data=options["data"],
        folder_root=folder_root,
        faults=tuple(options["fault"]),
        speed=options["speed"],
        poll_every=options["poll"],
        seed=options["seed"],
    )
