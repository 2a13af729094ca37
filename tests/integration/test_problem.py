"""Every error is a problem document (RFC 9457), nginx's own included."""

import re

import pytest
import raw
from assertions import assert_problem, create, pointers
from harness import free_port

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"title":"x"} x',
        b'{"title":"x",}',
        b'{"title":"a","title":"b"}',
        b'{"title":"x","author":{"name":"a","name":"b"}}',
        b'{"title":"\xff"}',
        b'{"title":"\xed\xa0\x80"}',
        b'{"title":"\\ud800"}',
        b'{"title":"x","n":01}',
        b'{"title":NaN}',
        b"\xef\xbb\xbf{}",
        b'{"title":' + b"[" * 65 + b"]" * 65 + b"}",
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_not_json_is_400(api, body):
    assert_problem(api.post("/notes", data=body, headers=JSON), 400)


def test_depth_64_is_allowed_and_65_is_not(api):
    def nested(depth):
        return b'{"x":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"

    assert api.post("/free", data=nested(64), headers=JSON).status_code == 201
    assert_problem(api.post("/free", data=nested(65), headers=JSON), 400)


@pytest.mark.parametrize("body", [b"7", b'"x"', b"null", b"[7]", b"[[]]", b"[null]"])
def test_json_that_is_no_document_is_refused(api, body):
    answer = api.post("/notes", data=body, headers=JSON)
    assert answer.status_code in (400, 422)
    assert_problem(answer, answer.status_code)


def test_a_body_that_fails_the_schema_is_422_with_pointers(api):
    document = {
        "title": "",
        "body": 7,
        "tags": ["ok", 7],
        "stars": -1,
        "due": "soon",
        "extra": 1,
        "author": {"age": "old"},
        "a/b~c": 1,
    }
    problem = assert_problem(api.post("/notes", json=document), 422)
    expected = "/title /body /tags/1 /stars /due /extra /author/age /a~1b~0c"
    assert sorted(pointers(problem)) == sorted(expected.split())


def test_a_missing_property_is_named(api):
    assert pointers(assert_problem(api.post("/notes", json={}), 422)) == ["/title"]


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", None])
def test_another_media_type_is_415(api, media_type):
    assert_problem(api.post("/notes", data=b'{"title":"x"}', headers={"Content-Type": media_type}), 415)


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON; charset=UTF-8"])
def test_json_in_any_spelling_is_taken(api, media_type):
    assert api.post("/notes", data=b'{"title":"x"}', headers={"Content-Type": media_type}).status_code == 201


@pytest.mark.parametrize("path", ["/", "/none", "/none/x", "/notes/x/y", "/notes/", "/Notes", "/auth/none"])
def test_what_is_not_there_is_404(api, path):
    assert_problem(api.get(path), 404)


@pytest.mark.parametrize("path", ["/notes/%00", "/notes/%2F", "/notes/..%2f..%2fetc", "/notes/%ff", "/notes/a%20b"])
def test_odd_paths_are_refused(api, path):
    answer = api.get(path)
    assert answer.status_code in (400, 404)


def test_nothing_internal_leaks(api, notes):
    create(api, notes, {"_id": "one", "title": "x"})
    answer = api.post(notes, json={"_id": "one", "title": "x"})
    assert not re.search("sqlite|constraint|UNIQUE|boost|std::|/tmp|libcore", answer.text, re.I)


def test_every_answer_has_a_request_id_of_its_own(api):
    answers = [api.get(path) for path in ("/notes", "/notes", "/none", "/live", "/members")]
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert len(set(ids)) == len(ids) and all(ids)


def test_traceparent_is_taken_over_and_logged(server, api):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    api.get("/notes?limit=3", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    api.get("/notes?limit=4", headers={"traceparent": "forged"})
    (taken_over,) = server.logged("/notes?limit=3")
    (forged,) = server.logged("/notes?limit=4")
    assert taken_over["trace_id"] == trace and taken_over["request_id"]
    assert forged["trace_id"] != "forged"


def test_the_access_log_names_route_cache_and_times(server, api, notes):
    path = f"{notes}/{create(api, notes, {'title': 'x'})['_id']}"
    for _ in range(2):
        api.get(path)
    first, second = server.logged(path, 2)
    assert first["route"] == second["route"] == "notes.read"
    assert first["cache"] == "miss" and second["cache"] == "l1-hit"
    assert float(first["store_time"]) >= 0 and second["store_time"] in ("", "-", "0.000")


@pytest.fixture(scope="module")
def own_errors(make_nginx):
    """Locations where nginx itself refuses."""
    nginx = make_nginx(
        http="""
            limit_req_zone $binary_remote_addr zone=strict:1m rate=1r/m;
            limit_req_status 429;
            client_max_body_size 1k;""",
        server=f"""
            location / {{ nacre api; }}
            location = /live {{ nacre live; }}
            location /limited {{ limit_req zone=strict; nacre live; }}
            location /files {{ root /nonexistent; }}
            location /forbidden {{ deny all; }}
            location /dead {{ proxy_pass http://127.0.0.1:{free_port()}; }}
            location /status/503 {{ return 503; }}
            location /status/504 {{ return 504; }}""",
    ).start()
    nginx.tolerate(r"\[error\]")
    yield nginx
    nginx.stop()


def test_nginx_413(own_errors):
    assert_problem(own_errors.api.post("/notes", data=b"x" * 2000, headers=JSON), 413)
    chunks = iter([b"x" * 600] * 4)
    assert_problem(own_errors.api.post("/notes", data=chunks, headers=JSON), 413)


def test_nginx_429_names_when_to_come_back(own_errors):
    assert own_errors.api.get("/limited").status_code == 200
    assert_problem(own_errors.api.get("/limited"), 429)


@pytest.mark.parametrize(
    "path, status",
    [("/files/x", 404), ("/forbidden", 403), ("/dead", 502), ("/status/503", 503), ("/status/504", 504)],
)
def test_other_errors_of_nginx(own_errors, path, status):
    assert_problem(own_errors.api.get(path), status)


def test_head_of_an_error_has_no_body(own_errors):
    answer = own_errors.api.head("/files/x")
    assert answer.status_code == 404 and answer.content == b""
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_requests_that_are_not_http_do_not_harm(server, api):
    for data in (
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/1.1\r\n\r\n",
    ):
        with raw.connect(server.port) as connection:
            connection.sendall(data)
            connection.shutdown_write()
            connection.read_to_end()
    assert api.get("/live").status_code == 200
