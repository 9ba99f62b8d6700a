"""What must hold everywhere: closed doors, consumed queues, named variables, files that say what they are for."""

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, get_resolver
from oauth2_provider.settings import oauth2_settings

from hub.api import urls
from hub.api.doors import Door, PublicDoor
from hub.celery import app
from hub.relocations.reported import OWN_SCOPES

ROOT = Path(settings.BASE_DIR)
#: Doors that anybody may open: tables that are the same for everybody, the documentation; what does not exist says so.
PUBLIC = {
    *("Codes", "Document", "Errors", "Messages", "Municipalities", "Nothing", "OneStandard", "Page", "Standards"),
}
UUID = "0197f000-0000-7000-8000-000000000000"


def doors() -> Iterator[tuple[URLPattern, type[Door]]]:
    """Yield every route of the API with its view."""
    for pattern in urls.urlpatterns:
        yield pattern, pattern.callback.cls


def test_every_view_of_the_api_is_a_door() -> None:
    assert all(issubclass(view, Door) for _, view in doors())


@pytest.mark.django_db
def test_every_route_of_the_api_but_the_public_ones_asks_for_a_token() -> None:
    client = Client(HTTP_HOST="127.0.0.1")
    opened = set()
    for pattern, view in doors():
        path = re.sub(r"<\w+:\w+>", UUID, re.sub(r"<int:\w+>", "1", str(pattern.pattern)))
        for method in ("get", "post", "put", "patch", "delete", "options"):
            answer = getattr(client, method)(f"/api/v1/{path}")
            if answer.status_code != 401:
                opened.add(view.__name__)
    assert opened == PUBLIC
    assert {view.__name__ for _, view in doors() if issubclass(view, PublicDoor)} == PUBLIC - {"Nothing"}


def test_every_door_names_a_scope_that_exists() -> None:
    named = [view.required_scope for _, view in doors() if view.__name__ not in PUBLIC]
    scopes = {scope for one in named for scope in (one if isinstance(one, tuple) else (one,))}
    scopes.update(OWN_SCOPES.values())
    assert scopes == set(oauth2_settings.SCOPES)
    assert all(named)


def test_every_address_is_known() -> None:
    """A new top-level address is a decision: it belongs into this list and into the README."""
    first = {str(entry.pattern).partition("/")[0] for entry in get_resolver().url_patterns}
    assert first == {"", "admin", "api", "oauth", "health", "metrics"}


def test_every_task_goes_to_a_queue_that_a_worker_consumes() -> None:
    app.loader.import_default_modules()
    ours = [name for name in app.tasks if name.startswith("hub.")]
    consumed = set(app.amqp.queues.consume_from)
    assert "hub.deliveries.tasks.carry" in ours
    assert {app.amqp.router.route({}, name)["queue"].name for name in ours} <= consumed
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(ours)
    assert set(app.conf.task_routes) <= set(ours)
    assert {row["queue"] for row in app.conf.task_routes.values()} | {app.conf.task_default_queue} == consumed


def test_no_task_is_told_anything_about_a_person() -> None:
    for name in (name for name in app.tasks if name.startswith("hub.")):
        kinds = {parameter.annotation for parameter in inspect.signature(app.tasks[name].run).parameters.values()}
        assert kinds <= {UUID.__class__, int, "UUID", "int"}


def variables() -> Iterator[tuple[str, str, Any]]:
    """Yield every variable that the settings read: kind, name, and the default where it is a plain one."""
    for node in ast.walk(ast.parse((ROOT / "hub" / "settings.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("env.") and node.args:
            default = next((word.value for word in node.keywords if word.arg == "default"), None)
            plain = default.value if isinstance(default, ast.Constant) else None
            yield ast.unparse(node.func)[4:], ast.literal_eval(node.args[0]), plain


def explained() -> Iterator[tuple[str, str, str]]:
    """Yield every variable of .env.example: the line above it, its name and what it is shown to be."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return iter(re.findall(r"^(.*)\n(?:# )?([A-Z_]+)=(.*)$", text, re.MULTILINE))


def test_every_variable_read_is_explained_and_every_explained_one_is_read() -> None:
    assert {name for _, name, _ in explained()} == {name for _, name, _ in variables()}
    for above, name, _ in explained():
        assert re.match(r"# [A-Z][^=]*\.$", above), name


def test_the_defaults_shown_are_the_defaults() -> None:
    shown = {name: text for _, name, text in explained()}
    for kind, name, default in variables():
        if default is not None:
            assert shown[name] == str(int(default) if kind == "bool" else default), name


def modules(*folders: str) -> list[Path]:
    """Every Python file in these folders that a person wrote."""
    found = (path for name in folders for path in (ROOT / name).rglob("*.py"))
    return [path for path in found if not {"__pycache__", "migrations"} & set(path.parts)]


def test_every_file_says_what_it_is_for() -> None:
    silent = []
    for path in modules("hub", "municipalities", "tests"):
        text = path.read_text(encoding="utf-8")
        first = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
        if len(first) < 10 and not (path.name == "__init__.py" and not text):
            silent.append(str(path.relative_to(ROOT)))
    assert silent == []


def test_no_file_of_the_product_is_longer_than_a_reader_bears() -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules("hub", "municipalities")}
    assert [str(path) for path, count in lines.items() if count > 400] == []


def test_a_process_has_read_its_tables_and_standards_before_its_first_work() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "import hub.wsgi; from threading import enumerate as threads; from municipalities import standard as s;"
         " [one.join() for one in threads() if one.name == 'ready'];"
         " from hub.relocations import tables as t; print(s.load.cache_info().currsize - len(s.names()),"
         " t.messages.cache_info().currsize, t.gate.cache_info().currsize)"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.split() == ["0", "1", "0"]
