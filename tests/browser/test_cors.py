"""What a page gets to see of an API at another origin, in Chromium."""

import json
import pathlib

import pytest
import yamls
from page import Page

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "conf/nacre.yaml"

LOCATIONS = """
location / { nacre api; }
location /limited/ { limit_req zone=one; nacre api; }
location /seen/ {
    nacre api;
    add_header X-Cookie $http_cookie always;
    add_header Access-Control-Expose-Headers X-Cookie always;
}
"""
LIMITS = "limit_req_zone $binary_remote_addr zone=one:1m rate=1r/m; limit_req_status 429; client_max_body_size 2k;"


def cors(origins, **more):
    rules = json.dumps(origins) + "".join(f", {key}: {value}" for key, value in more.items())
    return f"cors: {{ origins: {rules} }}\n"


@pytest.fixture
def origin(pages):
    return f"http://127.0.0.1:{pages}"


@pytest.fixture
def nginx(start, origin):
    return start(yamls.EXAMPLE + cors([origin], credentials="true", max_age="10m"), http=LIMITS, server=LOCATIONS)


@pytest.fixture
def page(tab, origin, nginx):
    return Page(tab, origin, nginx.url)


def lines_of_log(nginx, route):
    """The log's lines of one route, when the worker has written them all: it does so after the answers, one by one."""
    nginx.api.get("/nothing/last")
    nginx.logged("/nothing/last")
    lines = [json.loads(line) for line in (nginx.home / "access.log").read_text().splitlines()]
    return [line for line in lines if line["route"] == route]


def assert_problem(answer, status):
    assert answer["status"] == status, answer
    problem = json.loads(answer["body"])
    assert answer["headers"]["content-type"] == "application/problem+json" and problem["status"] == status
    assert problem["instance"] == answer["headers"]["x-request-id"]
    return problem


def test_a_document_goes_all_its_way(page, nginx):
    created = page.fetch("POST", "/notes", '{"title": "x"}')
    assert created["status"] == 201
    path = created["headers"]["location"]
    read = page.fetch("GET", path)
    etag = read["headers"]["etag"]
    assert read["status"] == 200 and json.loads(read["body"])["title"] == "x" and etag == created["headers"]["etag"]
    replaced = page.fetch("PUT", path, '{"title": "y"}', headers={"If-Match": etag})
    assert replaced["status"] == 200 and replaced["headers"]["etag"] != etag
    patched = page.fetch("PATCH", path, '{"stars": 2}', headers={"Content-Type": "application/merge-patch+json"})
    assert patched["status"] == 200 and json.loads(patched["body"])["stars"] == 2
    minimal = page.fetch("PUT", path, '{"title": "z"}', headers={"Prefer": "return=minimal"})
    assert minimal["status"] == 204 and minimal["headers"]["preference-applied"] == "return=minimal"
    assert page.fetch("DELETE", path)["status"] == 204
    assert_problem(page.fetch("GET", path), 404)
    assert lines_of_log(nginx, "notes.options"), "Chromium asked first"


def test_a_simple_request_needs_no_preflight(page, nginx):
    assert page.fetch("GET", "/notes")["status"] == 200
    assert not lines_of_log(nginx, "notes.options")


def test_a_list_shows_what_the_page_has_just_written(page, nginx):
    for number in range(1, 4):
        assert page.fetch("POST", "/notes", '{"title": "x"}')["status"] == 201
        assert len(json.loads(page.fetch("GET", "/notes")["body"])["items"]) == number
    page.fetch("GET", "/notes")
    # Chromium had a copy, and asked whether it is still good.
    assert lines_of_log(nginx, "notes.list")[-1]["status"] == 304


def test_with_client_a_browser_does_not_ask(tab, start, origin):
    yaml = yamls.EXAMPLE.replace("ttl: 30s, stale: 5m", "ttl: 30s, stale: 5m, client: 1h") + cors([origin])
    nginx = start(yaml)
    page = Page(tab, origin, nginx.url)
    page.fetch("GET", "/notes")
    nginx.api.post("/notes", json={"title": "x"})
    assert json.loads(page.fetch("GET", "/notes")["body"])["items"] == []
    assert len(lines_of_log(nginx, "notes.list")) == 1


def test_headers_of_an_answer_can_be_read(page):
    for title in ("a", "b"):
        page.fetch("POST", "/notes", f'{{"title": "{title}"}}')
    first = page.fetch("GET", "/notes?limit=1")
    assert 'rel="next"' in first["headers"]["link"]
    assert {"etag", "x-request-id", "cache-status", "cache-control"} <= first["headers"].keys()
    key = {"Idempotency-Key": '"k1"'}
    again = [page.fetch("POST", "/notes", '{"title": "c"}', headers=key) for _ in range(2)]
    assert again[0]["headers"]["location"] == again[1]["headers"]["location"]
    assert again[1]["headers"]["idempotency-replayed"] == "true"
    assert page.fetch("DELETE", "/notes")["error"] == "TypeError"  # no method of this path: the preflight says so
    assert "GET" in page.fetch("OPTIONS", "/hello/you")["headers"]["allow"]


def test_errors_can_be_read(page):
    json_type = {"Content-Type": "application/json"}
    page.fetch("POST", "/notes", '{"title": "x", "_id": "n1", "slug": "s"}')
    assert_problem(page.fetch("GET", "/nothing"), 404)
    assert_problem(page.fetch("PUT", "/nothing/x", "{}"), 404)
    assert_problem(page.fetch("POST", "/notes", "{"), 400)
    assert_problem(page.fetch("GET", "/members"), 401)
    assert_problem(page.fetch("GET", "/members", headers={"Authorization": "Bearer nacre_x"}), 401)
    assert_problem(page.fetch("POST", "/closed", "{}"), 403)
    assert_problem(page.fetch("POST", "/notes", '{"title": "y", "slug": "s"}'), 409)
    assert_problem(page.fetch("PUT", "/notes/n1", '{"title": "y"}', headers={**json_type, "If-Match": '"old"'}), 412)
    assert_problem(page.fetch("POST", "/notes", body="{}"), 415)
    problem = assert_problem(page.fetch("POST", "/notes", '{"title": 1}'), 422)
    assert problem["errors"][0]["pointer"] == "/title"


def test_errors_of_nginx_itself_can_be_read(page):
    assert_problem(page.fetch("POST", "/notes", json.dumps({"title": "x", "body": "x" * 5000})), 413)
    assert page.fetch("GET", "/limited/notes")["status"] == 200
    refused = page.fetch("GET", "/limited/notes")
    assert_problem(refused, 429)
    assert int(refused["headers"]["retry-after"]) >= 1


def test_cookies_go_along_with_credentials_only(page, nginx, tab):
    tab.context.add_cookies([{"name": "who", "value": "me", "url": nginx.url}])
    seen = page.fetch("GET", "/seen/notes", credentials="include")
    assert seen["status"] == 200 and seen["headers"]["x-cookie"] == "who=me"
    assert "x-cookie" not in page.fetch("GET", "/seen/notes?limit=1")["headers"]
    written = page.fetch("POST", "/seen/notes", '{"title": "x"}', credentials="include")
    assert written["status"] == 201 and written["headers"]["x-cookie"] == "who=me"


def test_a_page_of_another_origin_gets_nothing(tab, nginx, pages):
    page = Page(tab, f"http://localhost:{pages}", nginx.url)
    assert page.fetch("GET", "/notes") == {"error": "TypeError"}
    assert page.fetch("POST", "/notes", '{"title": "x"}') == {"error": "TypeError"}
    assert page.fetch("GET", "/nothing") == {"error": "TypeError"}
    assert not lines_of_log(nginx, "notes.create"), "the preflight kept it from being sent"


def test_without_cors_no_page_gets_anything(tab, start, origin):
    nginx = start(yamls.EXAMPLE)
    page = Page(tab, origin, nginx.url)
    assert page.fetch("GET", "/notes") == {"error": "TypeError"}
    assert page.fetch("PUT", "/notes/n1", '{"title": "x"}') == {"error": "TypeError"}


def test_all_origins_without_credentials(tab, start, pages):
    nginx = start(yamls.EXAMPLE + cors("*"))
    page = Page(tab, f"http://localhost:{pages}", nginx.url)
    created = page.fetch("POST", "/notes", '{"title": "x"}')
    assert created["status"] == 201
    # `*` as Access-Control-Allow-Headers would not allow it.
    assert_problem(page.fetch("GET", "/notes", headers={"Authorization": "Bearer nacre_x"}), 401)
    assert page.fetch("GET", "/notes", credentials="include") == {"error": "TypeError"}


@pytest.mark.parametrize("max_age, asked", [("10m", 1), ("0s", 3)])
def test_a_preflight_is_kept_for_max_age(tab, start, origin, max_age, asked):
    nginx = start(yamls.EXAMPLE + cors([origin], max_age=max_age))
    page = Page(tab, origin, nginx.url)
    for _ in range(3):
        assert page.fetch("PUT", "/notes/n1", '{"title": "x"}')["status"] == 404
    assert len(lines_of_log(nginx, "notes.options")) == asked


def test_a_copy_for_one_origin_is_none_for_another(tab, start, sibling_pages, origin):
    """One cache, two origins: without Vary the second page would get the answer that names the first."""
    sibling = f"http://127.0.0.1:{sibling_pages}"
    yaml = yamls.EXAMPLE.replace("ttl: 30s, stale: 5m", "ttl: 30s, stale: 5m, client: 1h")
    nginx = start(yaml + cors([origin, sibling]))
    for where in (origin, sibling):
        assert Page(tab, where, nginx.url).fetch("GET", "/notes")["status"] == 200
    assert len(lines_of_log(nginx, "notes.list")) == 2


def test_a_page_reads_and_writes_the_example(tab, start, origin):
    nginx = start(EXAMPLE.read_text() + cors([origin]))
    tab.goto(f"{origin}/page.html?api={nginx.url}")
    add, items = tab.get_by_placeholder("title"), tab.locator("li")
    for title in ("milk", "bread"):
        add.fill(title)
        tab.get_by_role("button", name="Add").click()
        tab.locator("li", has_text=title).wait_for()
    assert [text.split(" ")[0] for text in items.all_text_contents()] == ["bread", "milk"]
    milk = tab.locator("li", has_text="milk")
    milk.get_by_role("button", name="Star").click()
    tab.locator("li", has_text="milk (1)").wait_for()
    milk.get_by_role("button", name="Pin").click()
    tab.locator("li.pinned", has_text="milk").wait_for()
    tab.locator("li", has_text="bread").get_by_role("button", name="Delete").click()
    tab.locator("li", has_text="bread").wait_for(state="detached")
    add.fill("x" * 300)
    tab.get_by_role("button", name="Add").click()
    tab.locator("output", has_text="422").wait_for()
    stored = nginx.api.get("/notes").json()["items"]
    assert [(note["title"], note["stars"], note["pinned"]) for note in stored] == [("milk", 1, True)]
