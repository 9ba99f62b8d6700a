"""``python -m municipalities.conformance URL``: the kit on its own, without Django.

URL is the adapter's inbox, ``pull`` for an adapter that fetches, or ``folder:PATH`` for one that exchanges files.
With ``--start`` the kit starts the adapter (and may kill it), telling it by ``HIKKOSHI_…`` variables where the hub
is and how to sign in; without, it prints them and waits. Exit code 0 when the grade is at least the one asked for.
"""

import json
import sys
from argparse import ArgumentParser, Namespace

from . import options
from .report import as_html, as_json, as_lines


def main() -> None:
    """Run the kit with the arguments of the command line."""
    parser = ArgumentParser(prog="conformance", description="Plays the hub towards an adapter and grades it.")
    options.add(parser)
    given = parser.parse_args()
    report = options.run(given, lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201
    say(given, report_json := as_json(report, given.language), as_lines(report, given.language))
    if given.html:
        given.html.write_text(as_html(report, given.language), encoding="utf-8")
    sys.exit(0 if report_json["grade"] <= given.needed else 1)


def say(given: Namespace, document: dict[str, object], lines: list[str]) -> None:
    """Print the report as asked for."""
    text = json.dumps(document, ensure_ascii=False, indent=2) if given.json else "\n".join(lines)
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()
