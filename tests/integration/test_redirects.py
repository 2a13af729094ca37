"""Requests that come to a Nacre location by way of another one: try_files, error_page, X-Accel-Redirect, rewrite and
post_action."""

import itertools
import uuid

import http2
import pytest
import raw
from assertions import assert_problem, create
from harness import wait_until
from load import clients_of

LOCATIONS = """
location / { root PAGES; try_files $uri @api; }
location @api { nacre api; }
location = /live { nacre live; }
location /missing/ { root PAGES; error_page 404 = /direct/notes/n1; }
location /missing-kept/ { root PAGES; error_page 404 /direct/notes/n1; }
location /proxied/ { proxy_pass http://127.0.0.1:PORT/accel/; }
location /accel/ { add_header X-Accel-Redirect /direct/notes/n1; return 200; }
location /direct/ { internal; nacre api; }
location /renamed/ { rewrite ^/renamed(/.*) /direct$1 last; }
location /small/ { client_max_body_size 10; error_page 413 = /live; nacre api; }
location /counted/ { post_action /hello/after; alias PAGES/; }
location /counted-api/ { post_action /hello/after; nacre api; }
location /held-after/ { post_action /test/hold; alias PAGES/; }
"""


@pytest.fixture(scope="module")
def server(make_nginx, test_module):
    nginx = make_nginx(module=test_module)
    pages = nginx.home / "pages"
    pages.mkdir()
    (pages / "page.txt").write_text("static")
    nginx.write_conf(server=LOCATIONS.replace("PAGES", str(pages)).replace("PORT", str(nginx.port)))
    nginx.start()
    yield nginx
    nginx.stop()


@pytest.fixture
def document(api, notes):
    return create(api, notes, {"_id": "n1", "title": "note"})


def test_try_files_falls_back_to_the_api(server, api, document):
    assert api.get("/page.txt").text == "static"
    assert api.get("/notes/n1").json() == document
    path = "/notes/" + uuid.uuid4().hex
    problem = assert_problem(api.get(path), 404)
    (line,) = server.logged(path)
    assert line["route"] == "notes.read" and line["request_id"] == problem["instance"]


def test_a_body_comes_along(api, notes):
    big = {"title": "x", "body": "y" * 19_000}
    assert create(api, "/notes", big)["body"] == big["body"]
    assert api.patch("/notes/none", json=big).status_code == 404


@pytest.mark.parametrize(
    "path, status", [("/missing/x", 200), ("/missing-kept/x", 404), ("/proxied/x", 200), ("/renamed/notes/n1", 200)]
)
def test_a_redirect_answers_with_the_document(server, api, document, path, status):
    for _ in range(3):
        answer = api.get(path)
        assert answer.status_code == status and answer.json() == document
    with http2.Connection(server.h2_port) as connection:
        assert connection.request("GET", path)[0] == status


def test_an_error_of_nginx_leads_from_one_nacre_location_to_another(server, api, document):
    mark = uuid.uuid4().hex
    answer = api.post("/small/notes?" + mark, json={"title": "x" * 100})
    assert answer.status_code == 200 and answer.json() == {"status": "live"}
    (line,) = server.logged("/small/notes?" + mark)
    assert line["route"] == "live" and line["request_id"] == answer.headers["X-Request-Id"]
    assert api.get("/notes?count=true").json()["total"] == 1


@pytest.mark.parametrize("path", ["/counted/page.txt", "/counted-api/notes/n1", "/counted-api/notes/none"])
def test_post_action_runs_once_after_the_answer(server, api, document, path):
    visits = api.get("/hello/before").json()["visits"]
    for _ in range(5):
        expected = 404 if path.endswith("none") else 200
        answer = api.get(path)
        assert answer.status_code == expected and "visits" not in answer.text
    with http2.Connection(server.h2_port) as connection:
        assert connection.request("GET", path)[0] == expected
    looks = itertools.count(1)

    def is_six():
        return api.get("/hello/look").json()["visits"] == visits + 6 + next(looks)

    wait_until(is_six, "one action for each request")
    assert is_six()


def test_a_client_that_goes_away_does_not_end_a_post_action(server, api, document):
    api.close()
    (worker,) = server.workers()
    for _ in range(3):
        with raw.connect(server.port) as connection:
            connection.sendall(raw.request("GET", "/held-after/page.txt"))
            assert connection.read_answer()[::2] == (200, b"static")
            wait_until(lambda: api.get("/test/held").json() == 1, "the action waits")
            connection.reset()
        assert api.get("/test/held").json() == 1
        api.get("/test/release")
        wait_until(lambda: api.get("/test/held").json() == 0, "the action ends")
        api.close()
    wait_until(lambda: not clients_of(worker, server.port, server.h2_port), "connections closed")
