"""A report as JSON and as a page: what was asked, what was seen, why it matters and what to do."""

from html import escape
from typing import Any

from .kit import Report, Result

WORDS = {
    "ja": {"title": "適合性試験", "grade": "評価", "passed": "合格", "failed": "不合格", "skipped": "未実施",
           "why": "理由", "todo": "対応", "seen": "確認された事象", "essential": "必須", "robust": "堅牢性",
           "complete": "完全性"},
    "en": {"title": "Conformance", "grade": "Grade", "passed": "passed", "failed": "failed", "skipped": "not made",
           "why": "Why", "todo": "What to do", "seen": "Seen", "essential": "essential", "robust": "robust",
           "complete": "complete"},
}  # fmt: skip
STYLE = (
    "body{font:16px/1.6 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "section{border-left:.4rem solid #1a7f37;padding:.2rem 1rem;margin:1rem 0}"
    "section.failed{border-color:#b3261e}section.skipped{border-color:#6b6b6b}"
    "dt{font-weight:bold}.grade{font-size:4rem;line-height:1}"
)


def as_json(report: Report, language: str = "ja") -> dict[str, Any]:
    """The report as it is kept: ``{"grade", "checks": [{"name", "passed", "why", …}]}``."""
    return {
        "grade": report.grade,
        "mode": report.mode,
        "town": report.town,
        "seconds": round(report.seconds, 1),
        "checks": [_check(result, language) for result in report.results],
    }


def _check(result: Result, language: str) -> dict[str, Any]:
    check = result.check
    told: dict[str, Any] = {"name": check.name, "passed": bool(result.passed), "skipped": result.passed is None}
    told |= {"applies": result.applies}
    told |= {"level": check.level, "seen": result.seen, "title": check.title[language], "why": check.why[language]}
    return told | {"remedy": check.remedy[language]}


def _state(result: Result) -> str:
    return "skipped" if result.passed is None else "passed" if result.passed else "failed"


def as_html(report: Report, language: str = "ja") -> str:
    """One page that needs nothing else."""
    words = WORDS[language]
    counts = {state: sum(_state(one) == state for one in report.results) for state in ("passed", "failed", "skipped")}
    summary = " · ".join(f"{words[state]} {count}" for state, count in counts.items())
    ordered = sorted(report.results, key=lambda one: ("failed", "skipped", "passed").index(_state(one)))
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{words["title"]}</title>'
        f"<style>{STYLE}</style><h1>{words['title']}: {escape(report.town)} ({escape(report.mode)})</h1>"
        f'<p class="grade">{words["grade"]} {report.grade}</p><p>{summary}</p>'
        + "".join(_section(result, language) for result in ordered)
        + "</html>"
    )


def _section(result: Result, language: str) -> str:
    check, words, state = result.check, WORDS[language], _state(result)
    seen = f"<dt>{words['seen']}</dt><dd>{escape(result.seen)}</dd>" if result.seen else ""
    return (
        f'<section class="{state}"><h2>{escape(check.title[language])}</h2>'
        f"<p>{words[state]} · {words[check.level]} · <code>{check.name}</code></p><dl>{seen}"
        f"<dt>{words['why']}</dt><dd>{escape(check.why[language])}</dd>"
        f"<dt>{words['todo']}</dt><dd>{escape(check.remedy[language])}</dd></dl></section>"
    )


def as_lines(report: Report, language: str = "ja") -> list[str]:
    """The report for a terminal."""
    words = WORDS[language]
    lines = [
        f"{one.mark} {one.check.name:<18} {one.check.title[language]} {one.seen}".rstrip() for one in report.results
    ]
    for one in report.results:
        if one.passed is False:
            lines += ["", f"{one.check.name}: {words['why']}: {one.check.why[language]}"]
            lines += [f"  {words['todo']}: {one.check.remedy[language]}"]
    return [*lines, "", f"{words['grade']} {report.grade}"]
