"""``manage.py procedures``: the rules of follow-on procedures in words, and why one relocation brings which."""

from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from hub.actors import HUB, acting
from hub.procedures import tables
from hub.relocations import followon, services
from hub.relocations.models import Relocation
from hub.vault.services import ShreddedError


class Command(BaseCommand):
    """List the rules, show one, or explain a relocation by its receipt number, without anything about a person."""

    help = "Lists the rules of follow-on procedures, shows one, or explains a relocation."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the three uses."""
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="every rule: id, side, gate, deadline, title")
        show = actions.add_parser("show", help="one procedure or rule: F01, F01.gain")
        show.add_argument("name")
        explain = actions.add_parser("explain", help="what a relocation brings, by mover number, and why")
        explain.add_argument("receipt_no")

    def handle(self, *_args: Any, action: str, **options: Any) -> None:
        """Write the lines; raises ``CommandError`` for a rule or receipt number that does not exist."""
        actions: dict[str, Callable[..., Iterator[str]]] = {
            "list": self.every,
            "show": self.show,
            "explain": self.explain,
        }
        for line in actions[action](**options):
            self.stdout.write(line)

    def every(self, **_: Any) -> Iterator[str]:
        """One line per rule and version."""
        for rule in tables.rules():
            yield f"{rule.name:16} {rule.side:12} {rule.kind:12} {rule.gate:13} {rule.deadline.name:18} {rule.title.ja}"

    def show(self, name: str, **_: Any) -> Iterator[str]:
        """Every rule of a procedure with its conditions, as the tables say it."""
        found = [rule for rule in tables.rules() if name in (rule.procedure, rule.name)]
        if not found:
            raise CommandError(f"The tables have no «{name}»; see: manage.py procedures list")
        for rule in found:
            yield f"{rule.name} v{rule.version}: {rule.title.ja} / {rule.title.en}"
            yield f"  where     {rule.side}, {tables.departments()[rule.department].ja}"
            yield f"  for       {', '.join(sorted(kind.value for kind in rule.kinds))}; per {rule.scope}; {rule.kind}"
            for group in rule.needs:
                yield f"  needs     {' または '.join(condition.text.ja for condition in group)}"
                for question in filter(None, (condition.question for condition in group)):
                    yield f"  asks      {tables.questions()[question].text.ja}"
            yield f"  opens     {rule.gate}"
            yield f"  by        {rule.deadline.text.ja}"
            if rule.document or rule.bring.ja:
                yield f"  bring     {'、'.join(filter(None, (rule.document, rule.bring.ja)))}"
            if rule.duty:
                yield f"  duty      {rule.duty}"
            yield f"  in force  {rule.effective_from} – {rule.effective_to or ''}"
            yield f"  source    {rule.source}"

    def explain(self, receipt_no: str, **_: Any) -> Iterator[str]:
        """What the rules say of each mover by number; no name, no date of birth, no answer is written."""
        with acting(HUB):
            relocation = Relocation.objects.filter(receipt_no=receipt_no).first()
            if relocation is None:
                raise CommandError("There is no relocation with this receipt number.")
            try:
                listed = followon.listed(relocation, services.opened(relocation))
            except ShreddedError as error:
                raise CommandError("The relocation was shredded; nothing can be worked out any more.") from error
        for one in listed:
            rule = one.finding.rule
            asked = ", ".join(question for _, question in one.finding.questions)
            why = f"asks {asked}" if asked else " ".join(one.finding.reasons)
            due = one.due_on or "-"
            yield f"mover {one.finding.ordinal}  {rule.name:16} {one.state:10} {rule.gate:13} {due}  {why}"
