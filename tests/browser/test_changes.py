"""What comes after a filing, in a browser: changing it, agreeing, withdrawing, protection and the desk; ja and en."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page

from hub.accounts.models import User
from hub.actors import HUB, PROTECTS, Actor, ActorKind, acting
from hub.consents import services as consents
from hub.protection import services as protection
from hub.relocations import services
from hub.relocations.filing import Filer
from municipalities.notice import Contact, HouseholdJoined
from tests.browser.conftest import PASSWORD
from tests.browser.test_pages import elsewhere, look
from tests.conftest import HAKODATE, clerk, filing
from tests.hub import journeys
from tests.hub.family import waiting

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]

#: Latin letters that a Japanese page may show: names of things that have no other, and of the other language.
LATIN = re.compile(r"English|DV|MJ|PIN|JIS|Unicode|CP932|HUB|Hakodate|Chiyoda|[A-Z0-9]{2}-[A-Z0-9-]+|E\d+|A4\d\d")


def other_language(page: Page, language: str) -> list[str]:
    """Words of the other language on a page, but for names: Latin words in Japanese, hiragana in English."""
    text = page.evaluate(
        "() => { const body = document.querySelector('main, #container').cloneNode(true);"
        " body.querySelectorAll('[lang], #user-tools, select, datalist, .mono, input, textarea, code, script').forEach(e => e.remove());"
        " return body.innerText }"
    )
    if language == "en":
        return re.findall(r"[ぁ-ん]{3,}", text)
    return re.findall(r"[A-Za-z]{3,}", LATIN.sub("", text))


class Case:
    """Filings in different states, all of one citizen; each is named by what it shows."""

    def __init__(self) -> None:
        self.owner = User.objects.get(username="citizen").actor
        document = msgspec.structs.replace(filing(1), filer=Filer())
        joins = msgspec.structs.replace(document, household_joined=HouseholdJoined("試験　次郎", existing=True))
        self.asked = services.file(joins, self.owner)[0]
        self.open = services.file(
            msgspec.structs.replace(filing(8), filer=Filer(consents_held=(1, 2, 3)), contact=Contact(), remarks=""),
            self.owner,
        )[0]
        self.settled = services.file(filing(3), self.owner)[0]
        with acting(HUB):
            said = journeys.course(self.settled, services.filing_of(self.settled))
        journeys.settle(self.settled, said)
        guarding = Actor(ActorKind.CLERK, HAKODATE, "1", PROTECTS)
        guarded = services.file(filing(2), Actor(ActorKind.CITIZEN, name="77"))[0]
        last = timezone.localdate() + timedelta(days=20)
        with acting(guarding):
            protection.set_for_filed(
                guarding, guarded.receipt_no, 1, contact_office="市民課", expires_on=last, provisional=True
            )
        head = waiting(self.asked)[0]
        self.token = consents.make_link(head.pk, self.owner)[1]

    def citizens(self) -> Iterator[tuple[str, str]]:
        """Names and addresses of the citizen's pages."""
        for name, relocation in (("asked", self.asked), ("settled", self.settled)):
            yield f"status-{name}", f"/relocations/{relocation.receipt_no}/"
        yield "amend", f"/relocations/{self.open.receipt_no}/amend/"
        yield "withdraw", f"/relocations/{self.open.receipt_no}/withdraw/"
        yield "home", "/"


def switch(page: Page, language: str, url: str) -> None:
    """The reader's language from now on."""
    page.context.add_cookies([{"name": "django_language", "value": language, "url": url}])


@pytest.fixture
def case(page: Page) -> Case:
    found: list[Case] = []
    elsewhere(lambda: found.append(Case()))
    return found[0]


class Judge:
    """Looks at page after page and keeps what is not in the reader's language.

    The markup is the same in both languages, so axe reads it once; whether the longer texts fit is asked of each.
    """

    def __init__(self) -> None:
        self.foreign: dict[str, list[str]] = {}

    def __call__(self, page: Page, name: str, language: str) -> None:
        if language == "ja":
            look(page, name)
        else:
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), name
        if found := other_language(page, language):
            self.foreign[f"{name}-{language}"] = found


def change(page: Page) -> None:
    """Change the block and take the second person out, up to the page of before and after."""
    page.click("main button[value='to:places']")
    page.fill("[name='new-block']", "9番9号")
    page.click("main button[value='to:check']")
    page.click("main button[value='to:person-1']")
    page.click("main button[value=remove]")
    page.click("main button[value='to:check']")


def test_the_citizens_pages_after_filing(page: Page, case: Case, live_server: Any, browser: Browser) -> None:
    judge = Judge()
    for language in ("ja", "en"):
        switch(page, language, live_server.url)
        for name, path in case.citizens():
            page.goto(live_server.url + path)
            judge(page, name, language)
            if name == "amend":
                change(page)
                judge(page, "amend-changed", language)
    with browser.new_context(viewport={"width": 390, "height": 800}, locale="ja-JP") as other:
        elsewhere(lambda: User.objects.create_user("head", password=PASSWORD))
        asked = other.new_page()
        asked.goto(f"{live_server.url}/sign-in/")
        asked.fill("[name=username]", "head")
        asked.fill("[name=password]", PASSWORD)
        asked.press("[name=password]", "Enter")
        asked.wait_for_url(f"{live_server.url}/")
        for language in ("ja", "en"):
            switch(asked, language, live_server.url)
            asked.goto(f"{live_server.url}/consents/{case.token}/")
            judge(asked, "consent", language)
    switch(page, "ja", live_server.url)
    page.goto(f"{live_server.url}/relocations/{case.asked.receipt_no}/")
    page.locator("form[action*='/consents/'] button").first.click()
    judge(page, "consent-link", "ja")
    assert judge.foreign == {}


def test_the_desk_after_filing(page: Page, case: Case, live_server: Any) -> None:
    user = clerk(HAKODATE)
    user.handles_protection = True
    user.save()
    judge = Judge()
    page.context.clear_cookies()
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{live_server.url}/admin/")
    page.fill("[name=username]", user.username)
    page.fill("[name=password]", PASSWORD)
    with page.expect_navigation():
        page.press("[name=password]", "Enter")
    for language in ("ja", "en"):
        switch(page, language, live_server.url)
        for name in (
            "consents/request",
            "consents/request/add",
            "protection/measure",
            "protection/measure/add",
            "protection/guarded",
            "protection/release",
            "procedures/task",
        ):
            page.goto(f"{live_server.url}/admin/{name}/")
            judge(page, f"desk-{name.replace('/', '-')}", language)
        page.goto(f"{live_server.url}/admin/consents/request/add/")
        page.fill("[name=receipt_no]", case.asked.receipt_no)
        with page.expect_navigation():
            page.click("[type=submit][class=default]")
        judge(page, "desk-counter", language)
    assert judge.foreign == {}
