"""A Chromium that is installed on the machine; nothing is downloaded. Without one these tests are skipped."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from hub.accounts.models import User

PASSWORD = "x" * 12
#: Errors on the console of the page.
said: list[str] = []
CHROMIUM = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip cleanly."""
    if CHROMIUM is None:
        for item in items:
            if "tests/browser" in item.path.as_posix():
                item.add_marker(pytest.mark.skip(reason="no Chromium on this machine"))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for all tests of this folder, no longer: other tests run event loops of their own."""
    # Playwright keeps an event loop in this thread, where Django would refuse the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        # Root, as in a container, cannot use the sandbox.
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh visitor on a narrow telephone whose browser speaks Japanese and runs no scripts of ours."""
    opened = browser.new_context(viewport={"width": 320, "height": 640}, locale="ja-JP")
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, towns: None, live_server: Any, settings: Any) -> Iterator[Page]:
    """A citizen who signed in, on the start page; what the console says against us fails the test."""
    settings.ALLOWED_HOSTS = ["*"]
    User.objects.create_user("citizen", password=PASSWORD)
    opened = context.new_page()
    said.clear()
    opened.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    opened.goto(f"{live_server.url}/sign-in/")
    opened.fill("[name=username]", "citizen")
    opened.fill("[name=password]", PASSWORD)
    opened.press("[name=password]", "Enter")
    opened.wait_for_url(f"{live_server.url}/")
    yield opened
    # A page that is not there is asked for on purpose.
    assert not [text for text in said if "404" not in text]
