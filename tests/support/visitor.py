"""A visitor of the front end, in a real browser, of whom everything that goes wrong is noted."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, Page, ViewportSize, expect

from support.server import Server

CHROMIUM = "/usr/bin/chromium"
DESK: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
PASSWORD = "a lantern over calm water"


@dataclass
class Watched:
    """A page, and everything that went wrong on it."""

    page: Page
    wrong: list[str] = field(default_factory=list)
    expected: tuple[int, ...] = ()

    def clean(self) -> None:
        assert not self.wrong, "\n".join(self.wrong)


def watch(page: Page, origin: str, expected: tuple[int, ...] = ()) -> Watched:
    """Note what goes wrong on the page; `expected` are the failing answers that belong to it."""
    watched = Watched(page, expected=expected)

    def console(kind: str, text: str) -> None:
        refused = re.search(r"status of (\d+)", text)
        if kind in ("error", "warning") and not (refused and int(refused[1]) in watched.expected):
            watched.wrong.append(f"console {kind}: {text}")

    page.set_default_timeout(10_000)
    page.on("console", lambda message: console(message.type, message.text))
    page.on("pageerror", lambda error: watched.wrong.append(f"script: {error}"))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((origin, "data:", "blob:"))
            else watched.wrong.append(f"foreign request: {request.url}")
        ),
    )
    return watched


@contextmanager
def visit(
    browser: Browser, deck: Server, *, phone: bool = False, expected: tuple[int, ...] = ()
) -> Iterator[Watched]:
    """A page of a new visitor; `expected` names the failing answers that belong to the test."""
    context = browser.new_context(
        base_url=deck.url,
        locale="en-GB",
        timezone_id="Europe/Paris",
        viewport=PHONE if phone else DESK,
        has_touch=phone,
        is_mobile=phone,
    )
    watched = watch(context.new_page(), deck.url, expected)
    try:
        yield watched
    except BaseException as error:
        error.add_note("\n".join(["On the page:", *watched.wrong]))
        raise
    finally:
        context.close()
    watched.clean()


def sign_in(watched: Watched, email: str, to: str, password: str = PASSWORD) -> Page:
    page = watched.page
    page.goto(to)
    page.get_by_label("Email").fill(email)
    page.get_by_role("textbox", name="Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(re.escape(to)))
    return page
