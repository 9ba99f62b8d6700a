"""An operator connects a town in a real browser, with the adapter to copy as the vendor's system."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from hub.accounts.models import User
from hub.actors import HUB, acting
from hub.deliveries import callbacks
from hub.deliveries.models import Callback
from hub.onboarding import work
from municipalities.conformance import options
from municipalities.conformance.adapter import Adapter
from municipalities.models import Connection
from tests.browser.conftest import PASSWORD, said
from tests.browser.test_pages import elsewhere, look
from tests.conftest import HAKODATE, connect, filing
from tests.hub import journeys

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def operator(browser: Browser, towns: None, live_server: Any, settings: Any) -> Iterator[Page]:
    """An operator who signed in at the desk."""
    settings.ALLOWED_HOSTS, settings.HUB_KIT_PORT = ["*"], options.free_port()
    User.objects.create_user("operator", password=PASSWORD, is_staff=True, is_operator=True)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="ja-JP")
    context.set_default_timeout(20_000)
    page = context.new_page()
    said.clear()
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto(f"{live_server.url}/admin/login/")
    page.fill("[name=username]", "operator")
    page.fill("[name=password]", PASSWORD)
    with page.expect_navigation():
        page.press("[name=password]", "Enter")
    yield page
    context.close()
    assert not [text for text in said if "404" not in text]


@pytest.fixture
def vendor(tmp_path: Path) -> Iterator[Any]:
    """Starts the vendor's system with the settings it was given."""
    started: list[subprocess.Popen[bytes]] = []

    def start(port: int, given: dict[str, str], key: str) -> None:
        mine = {"HIKKOSHI_PORT": str(port), "HIKKOSHI_KEYS": key, "HIKKOSHI_BOOKS": str(tmp_path / "books.sqlite3")}
        command = [sys.executable, "-m", "tests.browser.vendor", "gif_json"]
        started.append(subprocess.Popen(command, cwd=ROOT, env={**os.environ, **given, **mine}))

    yield start
    for process in started:
        process.kill()
        process.wait()


def standing(page: Page, step: str) -> Any:
    """The line that says how far a step is."""
    return page.locator(f"#standing-{step}")


def press(page: Page, step: str, text: str) -> None:
    """Press a button of a step and wait for the page."""
    with page.expect_navigation():
        page.locator(f"#{step}").get_by_role("button", name=text, exact=True).click()


def test_an_operator_connects_a_town_from_a_vendors_file_to_its_first_day(
    operator: Page, live_server: Any, vendor: Any, tmp_path: Path
) -> None:
    page, port = operator, options.free_port()
    elsewhere(told)
    page.goto(f"{live_server.url}/admin/onboarding/onboarding/add/?municipality={HAKODATE}")
    look(page, "onboarding-begin")
    with page.expect_navigation():
        page.get_by_role("button", name="始める、または続ける").click()

    # 1. A draft of what none of ours is; then one of ours is taken.
    page.locator("#layout summary").first.click()
    page.fill("#layout [name=name]", "their_layout")
    header = "届出年月日,異動者氏名,生年月日,まったく別の項目\r\n".encode("cp932")
    page.set_input_files("#layout [name=file]", {"name": "their.csv", "mimeType": "text/csv", "buffer": header})
    press(page, "layout", "下書きする")
    expect(page.locator("#layout")).to_contain_text("まったく別の項目")
    with page.expect_download() as taken:
        page.get_by_text("下書きを持ち帰る（ZIP）").click()
    assert "their_layout/fields.csv" in zipfile.ZipFile(taken.value.path()).namelist()
    page.select_option("#layout [name=standard]", "gif_json")
    press(page, "layout", "この標準仕様を使う")
    expect(standing(page, "layout")).to_contain_text("完了")

    # 2. Its address; key and secret are shown once.
    page.fill("#address [name=address]", f"http://127.0.0.1:{port}/")
    press(page, "address", "接続先を保存する")
    key = page.locator("#shown-key").inner_text()
    press(page, "address", "クライアントとシークレットを作る")
    assert page.locator("#shown-secret").inner_text()
    expect(page.locator("#shown-key")).to_have_count(0)

    # 3. Nobody listens yet: the test fails and says what to do. Without it nothing goes live.
    press(page, "connection", "接続を確認する")
    elsewhere(callbacks.work)
    expect(standing(page, "connection")).to_contain_text("E900")
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        look(page, f"onboarding-failed-{width}")
    first = timezone.localdate() + timedelta(days=14)
    page.fill("#live [name=day]", first.isoformat())
    press(page, "live", "内容を確認する")
    expect(page.locator("#live .errorlist")).to_contain_text("E900")
    shown = page.locator("#kit-settings")
    page.goto(page.url.partition("#")[0])
    given = dict(line.split("=", 1) for line in shown.inner_text().split())
    vendor(port, given, key)
    elsewhere(listening(port))
    elsewhere(callbacks.work)
    page.reload()
    expect(standing(page, "connection")).to_contain_text("完了")

    # 4. The kit, by a worker; a wrong file before it.
    page.set_input_files("#conformance [name=report]", {"name": "x.json", "mimeType": "text/plain", "buffer": b"{"})
    press(page, "conformance", "報告書を読み込む")
    expect(page.locator("#conformance .errorlist")).to_contain_text("適合性試験の報告書ではありません")
    page.fill("#conformance [name=books]", f"http://127.0.0.1:{port}/books")
    press(page, "conformance", "適合性試験を始める")
    expect(standing(page, "conformance")).to_contain_text("実行中")
    look(page, "onboarding-running")
    elsewhere(work.work)
    expect(standing(page, "conformance")).to_contain_text("評価 B")  # the page follows by itself
    expect(standing(page, "conformance")).to_contain_text("完了")

    # 5. What went out, in the new standard.
    press(page, "shadow", "送った通知で試す")
    elsewhere(work.work)
    expect(page.locator("#shadow")).to_contain_text("1件を試し")

    # 6. A date; and back next week, in English, by the list.
    page.fill("#live [name=day]", first.isoformat())
    press(page, "live", "内容を確認する")
    look(page, "onboarding-preview")
    press(page, "live", "この内容で計画する")
    expect(standing(page, "live")).to_contain_text("予定")
    look(page, "onboarding-planned")
    page.goto(f"{live_server.url}/admin/onboarding/onboarding/")
    look(page, "onboarding-list")
    with page.expect_navigation():
        page.get_by_role("button", name="English").click()
    with page.expect_navigation():
        page.locator("#result_list tbody th a").click()
    expect(standing(page, "live")).to_contain_text("Planned for")
    look(page, "onboarding-planned-en")
    row = Connection.objects.get(municipality=HAKODATE, valid_from=first)
    assert (row.standard, row.address) == ("gif_json", f"http://127.0.0.1:{port}/")


def told() -> None:
    """Hakodate was told something already, in the layout it has now."""
    connect(HAKODATE, "mainframe_cp932", "memory:hakodate")
    journeys.file(filing(3))
    journeys.carry()


def listening(port: int) -> Any:
    """Wait until the vendor's system answers, then have it asked again."""

    def wait() -> None:
        Adapter(f"http://127.0.0.1:{port}/")._wait_until_up()
        with acting(HUB):
            callbacks.want(Callback.objects.get(municipality=HAKODATE))

    return wait
