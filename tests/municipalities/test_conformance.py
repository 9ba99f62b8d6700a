"""The kit passes the reference adapter with the best grade and catches every adapter with one fault."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from hub.relocations.reported import ReportBody
from municipalities.conformance import options
from municipalities.conformance.checks import CHECKS
from municipalities.conformance.hub import REPORT, Content, Hub
from municipalities.conformance.kit import Report, Result, table
from municipalities.conformance.report import as_html, as_json
from municipalities.conformance.trays import Tray
from tests.municipalities.broken_adapters import BROKEN

ROOT = Path(__file__).resolve().parents[2]
KIT = ROOT / "municipalities" / "conformance"
#: Grade of an adapter that fails a check of this level.
GRADES = {"essential": "D", "robust": "C", "complete": "B"}


def grade(mode: str, command: str, folder: Path, *arguments: str, patience: float = 4.0) -> Report:
    """Run the kit against a command."""
    folder.mkdir(parents=True, exist_ok=True)
    parser, port = ArgumentParser(), options.free_port()
    options.add(parser)
    url = {"pull": "pull", "files": f"folder:{folder / 'tray'}"}.get(mode, f"http://127.0.0.1:{port}/inbox")
    started = f"{sys.executable} -c 'import os, sys; os.chdir(\"{folder}\"); os.execv(sys.argv[1], sys.argv[1:])' "
    command = f"{started} {sys.executable} {command}"
    given = [url, "--books", f"http://127.0.0.1:{port}/books", "--start", command, "--patience", str(patience)]
    return options.run(parser.parse_args([*given, *arguments]), lambda _line: None)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adapters look every moment, and find the project's packages wherever they run."""
    monkeypatch.setenv("HIKKOSHI_POLL", "0.05")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def test_the_reference_adapters_get_the_best_grade_each_way(tmp_path: Path) -> None:
    adapters = {"push": "reference_adapter", "pull": "reference_adapter", "files": "reference_files"}
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda mode: grade(mode, f"{KIT / adapters[mode]}.py", tmp_path / mode), adapters))
    for report in found:
        assert [(one.check.name, one.seen) for one in report.results if not one.passed] == []
        assert {one.check.name for one in report.results} == {
            one.name for one in table() if report.mode in one.modes.split()
        }
        assert report.grade == "A"


def test_every_adapter_with_one_fault_is_caught(tmp_path: Path) -> None:
    """The table of faults and of the check that found each; with ``-s`` it is seen."""

    def judge(broken: type) -> tuple[type, Report]:
        mode, check = BROKEN[broken]
        command = f"-m tests.municipalities.broken_adapters {broken.__name__}"
        only = ("--only", "ordinary", "--only", check)
        return broken, grade(mode, command, tmp_path / broken.__name__, *only, patience=2.5)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(judge, BROKEN))
    lines = []
    for broken, report in found:
        mode, check = BROKEN[broken]
        caught = [one for one in report.results if one.passed is False and one.check.name == check]
        seen = caught[0].seen if caught else "NOT CAUGHT"
        lines.append(f"{report.grade}  {mode}  {check:<17} {broken.__name__:<20} {seen}")
    sys.stdout.write("\n".join(["", *lines, ""]))
    assert not [line for line in lines if "NOT CAUGHT" in line]
    assert len(found) >= 20
    for broken, report in found:
        (level,) = {one.check.level for one in report.results if one.check.name == BROKEN[broken][1]}
        assert report.grade >= GRADES[level]


def test_every_check_of_the_table_is_made_and_says_why_and_what_to_do_in_both_languages() -> None:
    rows = table()
    assert {row.name for row in rows} == set(CHECKS)
    assert len({row.name for row in rows}) == len(rows)
    for row in rows:
        assert row.level in GRADES, row
        assert set(row.modes.split()) <= {"push", "pull", "files"}, row
        for text in (row.title, row.why, row.remedy):
            assert text["en"].strip()
            assert re.search("[ぁ-ん]", text["ja"]), row.name


def test_the_kit_stands_alone(tmp_path: Path) -> None:
    """Copied out, without this project's packages, it runs; nothing in it is imported from elsewhere."""
    for file in KIT.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names.append(str(node.module))
            found = {name.partition(".")[0] for name in names}
            assert found <= sys.stdlib_module_names | {"reference_adapter", "reference_line"}, (
                file.name
            )  # copied out, beside the other
    shutil.copytree(KIT, tmp_path / "hikkoshi_conformance")
    port = options.free_port()
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); "
               "import runpy; runpy.run_module('hikkoshi_conformance', run_name='__main__')"]  # fmt: skip
    adapter = f"{sys.executable} {tmp_path / 'hikkoshi_conformance' / 'reference_adapter.py'}"
    command += [f"http://127.0.0.1:{port}/", "--start", adapter, "--only", "ordinary", "--only", "late", "--json"]
    page = tmp_path / "report.html"
    done = subprocess.run(
        [*command, "--html", str(page)], capture_output=True, text=True, check=False, cwd=tmp_path, env={**os.environ}
    )
    told = json.loads(done.stdout)
    assert (told["grade"], [one["passed"] for one in told["checks"]]) == ("B", [True, False])  # no books were shown
    assert done.returncode == 1  # «A» was needed
    assert "評価 B" in page.read_text(encoding="utf-8")


def test_a_report_escapes_what_was_seen() -> None:
    report = Report("push", "<b>", [Result(table()[0], False, "<script>")])
    assert "<script>" not in as_html(report)
    assert as_json(report)["grade"] == "D"


def answered(hub: Hub, name: str) -> bool:
    """Whether the kit has taken this file up."""
    return any(name in one.path for one in hub.asked)


def test_the_kit_takes_a_record_that_makes_a_report_and_names_what_its_manifest_lacks(tmp_path: Path) -> None:
    """A town may say the day of a visit, papers and a measure with a record in its own layout."""
    hub = Hub("kit", "secret")
    tray = Tray(f"folder:{tmp_path}", hub)
    hub.known["a-notice"] = Content("arrival.prefill", "text/plain", b"")
    try:
        changes = {"1.dat": {}, "2.dat": {"reportVisitedOn": "1 April"}, "3.dat": {"delivery": "unknown"}}
        for name, more in changes.items():
            told = {"size": 6, "sha256": sha256(b"record").hexdigest(), "delivery": "a-notice", "reportId": name}
            told |= {"reportType": "arrival.visited", "reportVisitedOn": "2025-04-01", **more}
            (tray.answers / name).write_bytes(b"record")
            (tray.answers / f"{name}.manifest.json").write_text(json.dumps(told))
            assert hub.wait(partial(answered, hub, name), 5)
    finally:
        tray.close()
        hub.close()
    assert [one.status for one in hub.asked] == [201, 422, 404]
    [report] = map(json.loads, hub.reports.values())
    assert (report["type"], report["visited_on"], report["delivery"]) == ("arrival.visited", "2025-04-01", "a-notice")
    assert sorted(path.name for path in (tray.answers / "bad").glob("*.dat")) == ["2.dat", "3.dat"]


def test_the_kit_knows_every_member_of_a_report() -> None:
    assert set(ReportBody.__struct_fields__) == REPORT
