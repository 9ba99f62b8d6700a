"""In a real browser: the whole form by keyboard, at 320 pixels, without a serious finding of axe, in both languages."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db import connections
from django.utils import timezone
from playwright.sync_api import Browser, Page

from hub.actors import HUB, acting
from hub.relocations import services
from hub.relocations.models import Relocation
from tests.browser.conftest import PASSWORD, said
from tests.conftest import CHIYODA, HAKODATE, clerk
from tests.hub import journeys
from tests.scenarios.stage import move

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

axe = Axe()
#: Where pictures of the pages are put, if anywhere.
PICTURES = os.environ.get("HUB_PICTURES", "")


def look(page: Page, name: str) -> None:
    """Judge a page: nothing serious for axe, nothing beside a narrow screen, nothing personal in its title."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)
    before = list(said)
    found = axe.run(page).response["violations"]
    said[:] = before  # what axe itself tries and our policy forbids is no fault of the page
    serious = [
        (one["id"], [node["html"] for node in one["nodes"]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert not serious, (name, serious)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), name
    assert "見本" not in page.title()


def elsewhere(work: Callable[[], object]) -> None:
    """Do it in a thread of its own: Playwright's event loop runs in this one."""

    def do() -> None:
        work()
        connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(do).result()


def day(number: int) -> str:
    """A day as it is typed into the browser's own field, month first."""
    return f"{timezone.localdate() + timedelta(days=number):%m%d%Y}"


class Keys:
    """Somebody who has a keyboard and no mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def reach(self, selector: str) -> None:
        """Press Tab until the element has the focus."""
        here = "selector => document.activeElement !== null && document.activeElement.matches(selector)"
        for _ in range(120):
            if self.page.evaluate(here, selector):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard never reaches {selector}")

    def type(self, name: str, text: str) -> None:
        """Type into a field."""
        self.reach(f"[name='{name}']")
        self.page.keyboard.type(text)

    def choose(self, name: str, down: int = 1) -> None:
        """Choose in a list that opens, or in a group of which one is chosen: so many down."""
        self.reach(f"[name='{name}']")
        for _ in range(down):
            self.page.keyboard.press("ArrowDown")

    def tick(self, name: str, value: str = "on") -> None:
        """Press the space bar on a box or a round one."""
        self.reach(f"[name='{name}'][value='{value}'], [type=checkbox][name='{name}']")
        self.page.keyboard.press("Space")

    def press(self, go: str) -> None:
        """Press Enter on a button and wait for the page that follows."""
        self.reach(f"main button[value='{go}']")
        self.enter()

    def enter(self) -> None:
        """Press Enter where we are."""
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")


def steps(page: Page, keys: Keys) -> Iterator[str]:
    """Go through the whole form by keyboard; pauses on every page."""
    page.goto(page.url + "file/")
    yield "kind"
    keys.press("next")
    keys.reach("[name=planned_out_on]")
    keys.enter()  # Enter in a field is the button «next»: it complains
    assert page.locator("#complaints a").count() == page.locator("#complaints li").count() == 3
    yield "when"
    for name, number in (("planned_out_on", 5), ("living_from", 6)):
        keys.type(name, day(number))
    keys.tick("flow", "CARD_SPECIAL")
    keys.press("next")
    for side, code, block in (("old", "0400001", "1"), ("new", "1000013", "2")):
        keys.type(f"{side}-postal_code", code)
        keys.press(f"find:{side}")
        keys.type(f"{side}-block", block)
    yield "places"
    keys.press("next")
    keys.type("full_name", "見本　𠮷郎")
    keys.choose("birth_era", 3)
    for name, text in (("birth_year", "55"), ("birth_month", "4"), ("birth_day", "1")):
        keys.type(name, text)
    keys.choose("relation_from_1")
    keys.choose("relation_to_1")
    keys.tick("sex", "1")
    keys.choose("registry_prefecture")
    keys.press("choose:person")
    keys.choose("registry_municipality")
    keys.tick("presents_card")
    yield "person"
    keys.press("next")
    keys.tick("scope", "WHOLE")
    keys.type("left_head_name", "見本　𠮷郎")
    keys.type("joined_head_name", "見本　𠮷郎")
    yield "household"
    keys.press("next")
    keys.tick("capacity", "SELF")
    keys.type("remarks", "手話通訳を希望します。")
    yield "contact"
    keys.press("next")
    yield "check"
    keys.press("submit")
    yield "status"


def test_a_move_is_filed_by_keyboard_on_a_narrow_screen(page: Page) -> None:
    for name in steps(page, Keys(page)):
        look(page, name)
    with acting(HUB):
        relocation = Relocation.objects.get()
        filed = services.filing_of(relocation)
    assert relocation.receipt_no in page.url
    assert (relocation.origin_id, filed.movers[0].full_name) == (HAKODATE, "見本　𠮷郎")


def test_the_pages_around_the_form(page: Page, live_server: Any, settings: Any, browser: Browser) -> None:
    settings.HUB_DEMO = True
    look(page, "home")
    page.goto(f"{live_server.url}/relocations/00-TEST-0001-T/")
    look(page, "404")
    with browser.new_context(viewport={"width": 320, "height": 640}, locale="en-GB") as stranger:
        english = stranger.new_page()
        for path, name in (("/", "start-en"), ("/sign-in/", "sign-in-en")):
            english.goto(live_server.url + path)
            assert english.locator("html").get_attribute("lang") == "en"
            look(english, name)


def test_a_settled_relocation_and_its_withdrawal_are_readable(page: Page, live_server: Any) -> None:
    for _ in steps(page, Keys(page)):
        pass
    page.goto(f"{page.url}withdraw/")
    look(page, "withdraw")
    with acting(HUB):
        relocation = Relocation.objects.get()
        said = journeys.course(relocation, services.filing_of(relocation))
    elsewhere(lambda: journeys.settle(relocation, said))
    page.goto(f"{live_server.url}/relocations/{relocation.receipt_no}/")
    assert "異動は完了しました" in page.content()
    look(page, "settled")


def to_the_desk(page: Page, live_server: Any, name: str) -> None:
    """Sign in at the desk, on a screen as clerks have one."""
    page.context.clear_cookies()
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{live_server.url}/admin/")
    page.fill("[name=username]", name)
    page.fill("[name=password]", PASSWORD)
    with page.expect_navigation():
        page.press("[name=password]", "Enter")


def test_the_desk(page: Page, live_server: Any) -> None:
    for _ in steps(page, Keys(page)):
        pass
    to_the_desk(page, live_server, clerk(HAKODATE).username)
    for path, name in (
        ("", "index"),
        ("relocations/relocation/", "relocations"),
        ("deliveries/delivery/", "deliveries"),
    ):
        page.goto(f"{live_server.url}/admin/{path}")
        look(page, f"desk-{name}")
    with page.expect_navigation():
        page.click("#result_list tbody th a")
    look(page, "desk-delivery")
    with page.expect_navigation():
        page.click("a[href$='/notice/']")
    assert "見本　𠮷郎" in page.content()
    look(page, "desk-notice")


def test_a_clerk_notes_that_a_card_was_presented(page: Page, live_server: Any) -> None:
    """Three came without it; two of them bring it later."""

    def visited() -> None:
        whole = move()
        relocation = journeys.file(whole)
        early = [one for one in journeys.course(relocation, whole) if one.word != "movein.decided"]
        journeys.settle(relocation, early)

    elsewhere(visited)
    with acting(HUB):
        relocation = Relocation.objects.get()
    to_the_desk(page, live_server, clerk(CHIYODA).username)
    page.goto(f"{live_server.url}/admin/relocations/relocation/{relocation.pk}/change/")
    with page.expect_navigation():
        page.get_by_role("link", name="提示があった").click()
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        look(page, f"desk-card-{width}")
    page.uncheck("[name=movers][value='1']")
    with page.expect_navigation():
        page.get_by_role("button", name="記録する").click()
    assert "カードの提示を記録しました" in page.content()
    look(page, "desk-card-noted")
    page.goto(f"{live_server.url}/admin/relocations/relocation/{relocation.pk}/card/")
    assert [box.get_attribute("value") for box in page.locator("[name=movers]").all()] == ["1"]


def test_the_form_works_where_scripts_are_switched_off_and_keeps_what_was_typed(
    page: Page, browser: Browser, live_server: Any
) -> None:
    with browser.new_context(
        java_script_enabled=False, locale="ja-JP", storage_state=page.context.storage_state()
    ) as calm:
        plain = calm.new_page()
        plain.goto(f"{live_server.url}/file/")
        with plain.expect_navigation():
            plain.click("main button[value=next]")
        plain.fill("[name=planned_out_on]", f"{timezone.localdate():%Y-%m-%d}")
        with plain.expect_navigation():
            plain.click("main button[value=next]")
        assert plain.locator("#id_living_from_error").count() == 1
        assert plain.input_value("[name=planned_out_on]") == f"{timezone.localdate():%Y-%m-%d}"
