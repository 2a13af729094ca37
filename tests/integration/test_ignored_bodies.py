"""Bodies of requests whose method reads none: ignored, and no reason to overlook what the client does."""

import http2
import pytest
import raw
from assertions import create
from harness import wait_until
from load import clients_of

METHODS = ("GET", "HEAD", "DELETE", "OPTIONS")
LOCATIONS = """
location / { nacre api; }
location /impatient/ { client_body_timeout 1s; nacre api; }
"""


@pytest.fixture(scope="module")
def server(make_nginx, test_module):
    http = "lingering_timeout 1ms; lingering_time 1ms; client_max_body_size 64m;"
    nginx = make_nginx(module=test_module, http=http, server=LOCATIONS)
    nginx.start()
    yield nginx
    nginx.stop()


def framed(method, path, body, *headers):
    return raw.request(method, path, headers=[f"Content-Length: {len(body)}", *headers]) + body


def chunked(method, path, body, *headers):
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return raw.request(method, path, headers=["Transfer-Encoding: chunked", *headers]) + chunks


def held(api):
    return api.get("/test/held").json()


@pytest.mark.parametrize("form", [framed, chunked])
@pytest.mark.parametrize("method", METHODS)
def test_a_body_changes_nothing(server, api, notes, method, form):
    create(api, notes, {"_id": "one", "title": "x"})
    with raw.connect(server.port) as connection:
        connection.sendall(form(method, "/notes/one", b'{"title":"y"}', "Connection: close"))
        head, body = connection.read_to_end().split(b"\r\n\r\n", 1)
    assert head.split()[1] == (b"204" if method in ("DELETE", "OPTIONS") else b"200")
    assert (b'"title":"x"' in body) == (method == "GET")
    assert api.get("/notes/one").status_code == (404 if method == "DELETE" else 200)


@pytest.mark.parametrize("form", [framed, chunked])
def test_the_next_request_begins_after_it(server, api, notes, form):
    create(api, notes, {"_id": "one", "title": "x"})
    with raw.connect(server.port) as connection:
        connection.sendall((form("GET", "/notes/one", b"x" * 30_000) + form("DELETE", "/notes/none", b"{}")) * 3)
        assert [connection.read_answer()[0] for _ in range(6)] == [200, 404] * 3


@pytest.mark.parametrize("kept", [0, 20, 50])
def test_a_client_that_goes_away_is_noticed(server, api, notes, kept):
    create(api, notes, {"_id": "one", "title": "x"})
    api.close()
    (worker,) = server.workers()
    for method, path in (("GET", "/test/hold"), ("DELETE", "/notes/one")):
        if method == "DELETE" and kept == 50:
            continue
        with raw.connect(server.port) as connection:
            whole = framed(method, path, b"x" * 50)
            connection.sendall(whole[: len(whole) - 50 + kept])
            wait_until(lambda: held(api) == (1 if kept == 50 else 0), "the request runs once it is whole")
            api.close()
        wait_until(lambda: not clients_of(worker, server.port), "the connection is closed")
        wait_until(lambda: held(api) == 0, "the request's end")
        api.close()
    assert api.get("/notes/one").status_code == 200


@pytest.mark.parametrize("form", [framed, chunked])
@pytest.mark.parametrize("late", [0, 20])
def test_a_slow_request_is_answered_however_long_nginx_lingers(server, api, form, late):
    whole = form("GET", "/test/hold", b"x" * 50)
    with raw.connect(server.port) as connection:
        connection.sendall(whole[: len(whole) - late])
        for _ in range(20):
            assert held(api) in ((0, 1) if late == 0 else (0,))
        connection.sendall(whole[len(whole) - late :])
        wait_until(lambda: held(api) == 1, "the request runs")
        for _ in range(20):
            assert held(api) == 1
        api.get("/test/release")
        assert connection.read_answer()[::2] == (200, b"held")


def test_a_client_that_asks_first_is_told_to_go_on(server, api, notes):
    create(api, notes, {"_id": "one", "title": "x"})
    with raw.connect(server.port) as connection:
        connection.sendall(raw.request("DELETE", "/notes/one", headers=["Expect: 100-continue", "Content-Length: 5"]))
        assert connection.read_answer()[0] == 100
        assert api.get("/notes/one").status_code == 200
        connection.sendall(b"hello")
        assert connection.read_answer()[0] == 204
    assert api.get("/notes/one").status_code == 404


def test_a_body_that_never_comes_is_given_up(server, api, notes):
    create(api, notes, {"_id": "one", "title": "x"})
    with raw.connect(server.port) as connection:
        connection.sendall(raw.request("DELETE", "/impatient/notes/one", headers=["Content-Length: 5"]))
        assert connection.read_to_end() == b""
    assert server.logged("/impatient/notes/one")[0]["status"] == 408
    assert api.get("/notes/one").status_code == 200


def test_a_body_that_is_too_large_is_refused(server, api, notes):
    create(api, notes, {"_id": "one", "title": "x"})
    size = (4 << 20) + 1
    for request in (
        raw.request("DELETE", "/notes/one", headers=[f"Content-Length: {size}"]),
        chunked("DELETE", "/notes/one", b"x" * size),
    ):
        with raw.connect(server.port) as connection:
            connection.sendall(request)
            assert connection.read_answer()[0] == 413
    assert api.get("/notes/one").status_code == 200


def test_http2_answers_before_the_body_ends(server, api, notes):
    create(api, notes, {"_id": "one", "title": "x"})
    with http2.Connection(server.h2_port) as connection:
        stream = connection.begin("GET", "/notes/one", [("content-length", "50")], end=False)
        assert connection.finish(stream)[0] == 200
        stream = connection.begin("GET", "/test/hold", [("content-length", "50")], end=False)
        wait_until(lambda: held(api) == 1, "the request runs")
        connection.reset(stream)
        wait_until(lambda: held(api) == 0, "the client's leaving is noticed")
