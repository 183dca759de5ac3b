"""The front end against the real server, in a real browser: from the first visit to the audit trail.

Every page is watched for console errors, failed scripts and requests to anywhere else.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from support.server import Server
from support.visitor import CHROMIUM, PASSWORD, sign_in, visit

STATIC = Path(__file__).parent.parent / "src/quarterdeck/http/static/index.html"

pytestmark = [
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(not STATIC.exists(), reason="the UI has not been built (make setup)"),
]


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with_browser = playwright.chromium.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--force-prefers-reduced-motion"]
    )
    yield with_browser
    with_browser.close()


@pytest.fixture(scope="module")
def deck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A fresh server with its first admin, ada."""
    with Server(tmp_path_factory.mktemp("ui") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def admin(browser: Browser, deck: Server) -> str:
    """Set the server up in the browser, once; answers with the admin's address."""
    email = "ada@example.com"
    with visit(browser, deck) as watched:
        page = watched.page
        page.goto("/traces")
        expect(page).to_have_url(re.compile("/setup$"))
        page.get_by_label("Your name").fill("Ada")
        page.get_by_label("Email").fill(email)
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_role("button", name="Create the admin account").click()
        expect(page).to_have_url(re.compile("/settings/projects/default"))
        expect(page.get_by_role("region", name="Any SDK")).to_contain_text("Authorization=Bearer")
    return email


def test_sign_in_leads_back_to_the_page_that_was_asked_for(
    browser: Browser, deck: Server, admin: str
) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, admin, "/settings/keys?revoked=1")
        expect(page.get_by_role("heading", name="Keys")).to_be_visible()


def test_a_wrong_password_is_refused_in_place(browser: Browser, deck: Server, admin: str) -> None:
    with visit(browser, deck, expected=(401,)) as watched:
        page = watched.page
        page.goto("/login")
        page.get_by_label("Email").fill(admin)
        page.get_by_role("textbox", name="Password").fill("not the password")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("login_failed")
        expect(page.get_by_label("Email")).to_have_value(admin)


def test_a_secret_key_is_shown_once_and_can_be_revoked(
    browser: Browser, deck: Server, admin: str
) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, admin, "/settings/keys")
        page.get_by_role("button", name="New key").click()
        page.get_by_role("dialog").get_by_label("Name").fill("collector")
        page.get_by_role("button", name="Create key").click()
        shown = page.get_by_role("region", name="collector").inner_text()
        assert shown.startswith("qd_")
        assert deck.client(shown).get("/api/projects").status_code == 403  # it only writes
        page.get_by_role("button", name="I have stored it").click()
        expect(page.get_by_text(shown)).to_have_count(0)

        page.get_by_role("row", name=re.compile("collector")).get_by_text("Revoke").click()
        page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        expect(page.get_by_role("row", name=re.compile("collector"))).to_have_count(0)
        assert deck.client(shown).get("/api/projects").status_code == 401


def test_an_invited_person_joins_and_sees_what_their_role_allows(
    browser: Browser, deck: Server, admin: str
) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    with visit(browser, deck) as watched:
        page = sign_in(watched, admin, "/settings/users")
        page.get_by_role("button", name="Invite someone").click()
        page.get_by_role("dialog").get_by_label("Email").fill("grace@example.com")
        page.get_by_role("button", name="Make the invitation").click()
        link = page.get_by_role("region", name="Send this link").inner_text()

    with visit(browser, deck) as watched:
        page = watched.page
        page.goto(link)
        expect(page.get_by_text("grace@example.com")).to_be_visible()
        page.get_by_label("Your name").fill(hostile)
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_role("button", name="Create my account").click()
        expect(page).to_have_url(re.compile("/overview"))
        page.goto("/settings/users")
        expect(page.get_by_role("heading", name="Only an admin can see this")).to_be_visible()
        expect(page.get_by_role("link", name="Keys")).to_have_count(0)

    with visit(browser, deck) as watched:
        page = sign_in(watched, admin, "/settings/users")
        expect(page.get_by_text(hostile)).to_be_visible()  # as text
        page.get_by_label(re.compile(f"Role: {re.escape(hostile)}")).select_option("responder")
        expect(page.get_by_role("status").filter(has_text="responder")).to_be_visible()
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_label(re.compile("Role: <img"))).to_have_value("viewer")


def test_retention_is_a_form_that_validates_and_shows_its_file(
    browser: Browser, deck: Server, admin: str
) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, admin, "/settings/resources/retention/default")
        traces = page.get_by_label("Traces", exact=True)
        traces.fill("0")
        expect(page.get_by_text("greater than or equal to 1")).to_be_visible()
        expect(page.get_by_role("button", name="Save")).to_be_disabled()
        traces.fill("14")
        expect(page.get_by_role("region", name="As a file")).to_contain_text("traces: 14")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Revision 1")).to_be_visible()
        page.reload()
        expect(traces).to_have_value("14")


def test_someone_elses_change_is_not_overwritten(
    browser: Browser, deck: Server, admin: str
) -> None:
    with visit(browser, deck, expected=(412,)) as watched:
        page = sign_in(watched, admin, "/settings/resources/retention/default")
        page.get_by_label("Logs", exact=True).fill("7")
        with deck.client() as other:
            put = other.put("/api/resources/retention/default", json={"spec": {"metrics": 3}})
            assert put.status_code in (200, 201), put.text
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("Someone else saved it meanwhile")
        page.get_by_role("button", name="Load theirs").click()
        expect(page.get_by_label("Metrics", exact=True)).to_have_value("3")


def test_what_came_from_a_file_is_read_only_and_names_the_file(
    browser: Browser, deck: Server, admin: str
) -> None:
    document = {
        "kind": "saved-search",
        "name": "failed",
        "spec": {"title": "Failed payments", "signal": "traces"},
    }
    with deck.client() as key:
        applied = key.post(
            "/api/resources/apply", json={"documents": [document], "source": "deck/shop.yaml"}
        )
        assert applied.status_code == 200, applied.text
    with visit(browser, deck) as watched:
        page = sign_in(watched, admin, "/settings/resources/saved-search")
        page.get_by_role("row", name=re.compile("failed")).get_by_role("link").click()
        expect(page.get_by_text("deck/shop.yaml")).to_be_visible()
        expect(page.get_by_label("Title")).to_be_disabled()
        expect(page.get_by_role("button", name="Save")).to_have_count(0)


def test_a_resource_is_made_in_the_form(browser: Browser, deck: Server, admin: str) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, admin, "/settings/resources/saved-search?new=1")
        page.get_by_label("Name").fill("slow-orders")
        page.get_by_label("Title").fill("Slow orders: yes")
        page.get_by_label("Signal").select_option(label="logs")
        page.get_by_label("Columns").fill("time\nbody\n")
        page.get_by_label("Columns").blur()
        expect(page.get_by_role("region", name="As a file")).to_contain_text('"Slow orders: yes"')
        page.get_by_role("button", name="Create").click()
        expect(page).to_have_url(re.compile("/saved-search/slow-orders"))
    with deck.client() as key:
        stored = key.get("/api/resources/saved-search/slow-orders").json()["spec"]
    assert stored["columns"] == ["time", "body"]
    assert stored["signal"] == "logs"


def test_a_project_is_made_renamed_and_deleted_by_name(
    browser: Browser, deck: Server, admin: str
) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, admin, "/settings/projects")
        page.get_by_role("button", name="New project").click()
        page.get_by_role("dialog").get_by_label("Name").fill("Café Shop")
        expect(page.get_by_role("dialog").get_by_label("Slug")).to_have_value("cafe-shop")
        page.get_by_role("button", name="Create project").click()
        expect(page).to_have_url(re.compile("/settings/projects/cafe-shop.*project=cafe-shop"))
        page.get_by_role("button", name="Delete project").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("button", name="Delete project")).to_be_disabled()
        dialog.get_by_label("Type cafe-shop to confirm").fill("cafe-shop")
        dialog.get_by_role("button", name="Delete project").click()
        expect(page).to_have_url(re.compile("/settings/projects($|\\?)"))
        expect(page.get_by_role("row", name=re.compile("Café"))).to_have_count(0)


def test_a_person_is_erased_after_one_question(browser: Browser, deck: Server, admin: str) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, admin, "/settings/projects/default")
        page.get_by_label("User id").fill("customer-7")
        page.get_by_role("button", name="Erase a person").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("customer-7")
        dialog.get_by_role("button", name="Erase a person").click()
        expect(page.get_by_role("status").filter(has_text="0 rows erased")).to_be_visible()


def test_the_audit_trail_opens_beside_the_list(browser: Browser, deck: Server, admin: str) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, admin, "/settings/audit")
        expect(page.get_by_role("row").nth(1)).to_be_visible()
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("entry="))
        expect(page.get_by_role("complementary")).to_contain_text("Before")
        page.keyboard.press("Escape")
        expect(page.get_by_role("complementary")).to_have_count(0)


def test_time_is_typed_and_stands_in_the_address(
    browser: Browser, deck: Server, admin: str
) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, admin, "/overview")
        page.keyboard.press("d")
        field = page.get_by_role("textbox", name="Time range")
        field.fill("soon")
        expect(field).to_have_attribute("aria-invalid", "true")
        field.fill("last 2 hours")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("t=-2h"))
        page.keyboard.press("f")
        expect(page).to_have_url(re.compile(r"t=\d{4}-\d\d-\d\dT[\d:.]+Z\.\."))
        page.keyboard.press("g")
        page.keyboard.press("l")
        expect(page).to_have_url(re.compile(r"/logs\?.*t=\d{4}"))  # the view goes along
        page.go_back()
        page.go_back()
        expect(page).to_have_url(re.compile("t=-2h"))


def test_a_project_opens_with_the_range_and_environment_that_it_names(
    browser: Browser, deck: Server, admin: str
) -> None:
    spec = {"default_range": "-6h", "default_environment": "production"}
    with deck.client() as key:
        put = key.put("/api/resources/project-settings/default", json={"spec": spec})
        assert put.status_code in (200, 201), put.text
    with visit(browser, deck) as watched:
        page = sign_in(watched, admin, "/logs")
        expect(page.get_by_role("button", name="Time range: -6h")).to_be_visible()
        environment = page.get_by_role("combobox", name="Environment")
        expect(environment).to_have_value("production")
        environment.select_option("")
        expect(page).to_have_url(re.compile(r"env=(\*|%2A)"))
        expect(environment).to_have_value("")
    with deck.client() as key:
        key.delete("/api/resources/project-settings/default")


def test_the_first_load_is_small(browser: Browser, deck: Server, admin: str) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, admin, "/overview")
        page.reload()
        page.wait_for_load_state("networkidle")
        script = page.evaluate(
            """performance.getEntriesByType("resource")
                .filter((each) => each.name.endsWith(".js"))
                .reduce((sum, each) => sum + each.encodedBodySize, 0)"""
        )
    assert 20_000 < script <= 200_000, f"{script} bytes of script"


def test_the_palette_finds_and_does(browser: Browser, deck: Server, admin: str) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, admin, "/account")
        page.keyboard.press("Control+k")
        dialog = page.get_by_role("dialog", name="Search or act")
        box = dialog.get_by_role("combobox")
        expect(box).to_be_focused()
        box.fill("invsome")
        expect(dialog.get_by_role("option").first).to_contain_text("Invite someone")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog", name="Invite someone")).to_be_visible()


def test_dark_light_and_french_are_chosen_and_stay(
    browser: Browser, deck: Server, admin: str
) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, admin, "/account")
        page.get_by_label("Colours").select_option("light")
        page.get_by_label("Language").select_option("fr")
        expect(page.get_by_role("heading", name="Compte")).to_be_visible()
        page.reload()
        assert page.evaluate("document.documentElement.dataset.theme") == "light"
        expect(page.locator("html")).to_have_attribute("lang", "fr")
        expect(page.get_by_role("heading", name="Compte")).to_be_visible()


PAGES = (
    "/settings/projects",
    "/settings/projects/default",
    "/settings/keys?new=1",
    "/settings/users",
    "/settings/resources/project-settings/default",
    "/settings/resources/retention/default",
    "/settings/secrets",
    "/settings/storage",
    "/settings/audit",
    "/account",
    "/no/such/page",
)


def test_nothing_scrolls_sideways_on_a_phone(browser: Browser, deck: Server, admin: str) -> None:
    with visit(browser, deck, phone=True, expected=(404,)) as watched:
        page = sign_in(watched, admin, "/account")
        for path in PAGES:
            page.goto(path)
            page.wait_for_load_state("networkidle")
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= 390, f"{path} is {width} px wide"
        page.get_by_role("button", name="Menu").click()
        page.get_by_role("link", name="Settings").click()
        expect(page).to_have_url(re.compile("/settings/projects"))


def test_a_dead_session_leads_to_sign_in_and_back(
    browser: Browser, deck: Server, admin: str
) -> None:
    with visit(browser, deck, expected=(401,)) as watched:
        page = sign_in(watched, admin, "/settings/projects")
        page.context.clear_cookies()
        page.get_by_role("link", name="Audit").click()
        expect(page).to_have_url(re.compile("/login\\?next=%2Fsettings%2Faudit"))
