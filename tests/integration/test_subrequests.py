"""Requests that nginx's other modules make of a Nacre location on behalf of a client's: each answers its own URI, with its own
status, and never acts on the client's request."""

import json
import re
import threading
import uuid

import http2
import pytest
import raw
from assertions import create
from harness import Client, wait_until
from load import clients_of

LOCATIONS = """
location / { nacre api; }
location = /live { nacre live; }

location /admin/   { auth_request /check/notes/permit; nacre api; }
location /held/    { auth_request /check/test/hold; nacre api; }
location /checked/ { auth_request /check/notes/permit; alias PAGES/; }
location /anonymous/ { auth_request /check/members; nacre api; }
location /forbidden/ { auth_request /check/closed; nacre api; }
location /open/    { auth_request /check-live; nacre api; }
location /check/   { internal; nacre api; }
location /check-live { internal; nacre live; }
location /logged/ { auth_request /check-logged/notes/permit; nacre api; }
location /check-logged/ { internal; log_subrequest on; nacre api; }
location = /metrics { nacre metrics; }

location /mirrored/     { mirror /free; nacre api; }
location /mirrored-answer/ { mirror /free; proxy_pass http://127.0.0.1:PORT/answer; }
location = /answer { return 200 "main"; }
location /mirrored-hold/ { mirror /test/hold; alias PAGES/; }
location /mirrored-both/ { client_body_buffer_size 1k; mirror /free; mirror /uncached; nacre api; }
location /mirrored-same/ { mirror /same/notes; nacre api; }
location /same/ { internal; nacre api; }

location /ssi/    { ssi on; alias PAGES/; }
location /added/  { add_before_body /notes/n1; add_after_body /uncached/u1; alias PAGES/; }
location /around/ { add_before_body /notes/n1; add_after_body /uncached/u1; addition_types *; nacre api; }
location /around-held/ { add_before_body /test/hold; addition_types *; nacre api; }
"""

PAGES = {
    "plain.html": "static",
    "one.html": '[<!--#include virtual="/notes/n1" -->]',
    "many.html": "".join(
        f'[<!--#include virtual="/{path}" -->]' for path in ("notes/n1", "uncached/u1", "live", "notes/none") * 3
    ),
    "held.html": '[<!--#include virtual="/test/hold" -->|<!--#include virtual="/test/hold" -->|'
    '<!--#include virtual="/notes/n1" -->]',
    "nested.html": '(<!--#include virtual="/ssi/one.html" -->,<!--#include virtual="/ssi/many.html" -->)',
    "waits.html": '<!--#include virtual="/uncached/u1" wait="yes" -->;<!--#include virtual="/notes/n1" wait="yes" -->',
    "memory.html": '<!--#include virtual="/uncached/u1" set="one" --><!--#include virtual="/live" set="two" -->'
    '<!--#echo var="two" encoding="none" --><!--#echo var="one" encoding="none" -->',
}


@pytest.fixture(scope="module")
def server(make_nginx, test_module):
    nginx = make_nginx(module=test_module)
    pages = nginx.home / "pages"
    pages.mkdir()
    for name, text in PAGES.items():
        (pages / name).write_text(text)
    nginx.write_conf(server=LOCATIONS.replace("PAGES", str(pages)).replace("PORT", str(nginx.port)))
    nginx.start()
    yield nginx
    nginx.stop()


@pytest.fixture
def documents(api, notes):
    """notes/n1, which the cache holds after its first reading, and uncached/u1, which is always read from the store."""
    create(api, notes, {"_id": "n1", "title": "note"})
    for path in ("/uncached", "/free"):
        for item in api.get(path + "?limit=100").json()["items"]:
            assert api.delete(f"{path}/{item['_id']}").status_code == 204
    create(api, "/uncached", {"_id": "u1", "text": "store"})
    assert api.get("/notes/n1").status_code == 200
    return api


@pytest.fixture(params=["http1", "http2"])
def ask(request, server):
    """Asks over either protocol: ask(method, path, body, headers) gives status, headers, body."""
    if request.param == "http2":
        with http2.Connection(server.h2_port) as connection:
            yield lambda method, path, body=None, headers=(): connection.request(method, path, body, headers)
    else:
        with Client(server.url) as client:

            def ask_one(method, path, body=None, headers=()):
                headers = {**dict(headers), **({"content-type": "application/json"} if body else {})}
                answer = client.request(method, path, data=body, headers=headers)
                return answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, answer.content

            yield ask_one


def total(api, path):
    return api.get(path + "?count=true").json()["total"]


def parts(body):
    """What a body is put together of, in its order."""
    return re.findall(r'"title":"note"|"text":"store"|"status":"live"|"status":404|static', body.decode())


NOTE, STORE, LIVE, NONE = '"title":"note"', '"text":"store"', '"status":"live"', '"status":404'


def test_auth_request_asks_for_its_own_uri(ask, documents):
    status, headers, _ = ask("DELETE", "/admin/notes/n1")
    assert status == 500, "auth_request takes 2xx, 401 and 403"
    assert documents.get("/notes/n1").status_code == 200
    create(documents, "/notes", {"_id": "permit", "title": "x"})
    assert ask("DELETE", "/admin/notes/n1")[0] == 204
    assert documents.get("/notes/n1").status_code == 404
    assert documents.get("/notes/permit").status_code == 200


def test_auth_request_before_a_body(ask, documents):
    assert ask("POST", "/admin/notes", b'{"title":"refused"}')[0] == 500
    assert total(documents, "/notes") == 1
    create(documents, "/notes", {"_id": "permit", "title": "x"})
    status, headers, body = ask("POST", "/admin/notes", b'{"title":"allowed"}')
    assert status == 201 and json.loads(body)["title"] == "allowed"
    assert headers["location"] == f"/admin/notes/{json.loads(body)['_id']}"
    assert total(documents, "/notes") == 3


def test_auth_request_before_a_static_page(ask, documents):
    assert ask("GET", "/checked/plain.html")[0] == 500
    create(documents, "/notes", {"_id": "permit", "title": "x"})
    status, headers, body = ask("GET", "/checked/plain.html")
    assert (status, body) == (200, b"static") and headers["content-type"] == "text/html"


def test_auth_request_passes_a_refusal_on(ask, documents):
    status, headers, _ = ask("GET", "/anonymous/notes/n1")
    assert status == 401 and headers["www-authenticate"] == "Bearer"
    assert ask("GET", "/forbidden/notes/n1")[0] == 403


def test_auth_request_that_needs_no_wait(ask, documents):
    assert ask("DELETE", "/open/notes/n1")[0] == 204
    assert ask("DELETE", "/open/notes/n1")[0] == 404


def test_the_conditions_of_a_client_are_not_those_of_the_check(ask, documents):
    create(documents, "/notes", {"_id": "permit", "title": "x"})
    permit = documents.get("/notes/permit").headers["ETag"]
    one = documents.get("/notes/n1").headers["ETag"]
    assert ask("GET", "/checked/plain.html", None, [("if-none-match", permit)])[0] == 200
    assert ask("GET", "/checked/plain.html", None, [("if-none-match", "*")])[0] == 304
    status, _, body = ask("PUT", "/admin/notes/n1", b'{"title":"new"}', [("if-match", one)])
    assert status == 200 and json.loads(body)["title"] == "new"
    assert ask("PUT", "/admin/notes/fresh", b'{"title":"new"}', [("if-none-match", "*")])[0] == 201


def test_a_request_and_its_checks_have_one_id(ask, server, documents):
    create(documents, "/notes", {"_id": "permit", "title": "x"})
    path = "/admin/notes/" + uuid.uuid4().hex
    status, headers, _ = ask("GET", path)
    assert status == 404 and len(headers["x-request-id"]) == 32
    line = server.logged(path)[0]
    assert line["request_id"] == headers["x-request-id"] and line["route"] == "notes.read"


def test_log_subrequest_tells_of_each_its_own_route(ask, server, documents):
    create(documents, "/notes", {"_id": "permit", "title": "x"})
    path = "/logged/notes/n1?" + uuid.uuid4().hex
    assert ask("DELETE", path)[0] == 204
    lines = server.logged(path, 2)
    assert [(line["route"], line["status"]) for line in lines] == [("notes.read", 200), ("notes.delete", 204)]
    assert lines[0]["request_id"] == lines[1]["request_id"]


def counted(api, *parts):
    """What the metrics say, added up over the lines that have all parts."""
    lines = api.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if all(part in line for part in parts))


def test_a_subrequest_counts_as_a_look_into_the_cache_but_not_as_a_request(ask, documents):
    requests = counted(documents, "nacre_http_requests_total{", 'route="notes.read"')
    hits = counted(documents, "nacre_cache_requests_total{", 'result="hit"')
    assert ask("GET", "/ssi/one.html")[0] == 200
    assert counted(documents, "nacre_http_requests_total{", 'route="notes.read"') == requests
    assert counted(documents, "nacre_cache_requests_total{", 'result="hit"') == hits + 1


def test_a_mirror_writes_once_and_the_main_request_answers(ask, documents):
    status, _, body = ask("POST", "/mirrored/notes", b'{"_id":"m1","title":"both"}')
    assert status == 201 and json.loads(body)["_id"] == "m1" and "title" in json.loads(body)
    wait_until(lambda: total(documents, "/free") == 1, "the mirror's document")
    assert documents.get("/free/m1").json()["title"] == "both"
    assert total(documents, "/notes") == 2


def test_two_mirrors_of_one_request(ask, documents):
    for i in range(5):
        assert ask("POST", "/mirrored-both/notes", b'{"_id":"m%d","title":"both"}' % i)[0] == 201
    wait_until(lambda: total(documents, "/free") == 5 and total(documents, "/uncached") == 6, "the mirrors' documents")
    assert total(documents, "/notes") == 6


def test_a_mirror_of_a_body_that_nginx_keeps_in_a_file(ask, documents):
    text = "x" * 9_000
    status, _, body = ask("POST", "/mirrored-both/notes", json.dumps({"_id": "m1", "title": "t", "body": text}).encode())
    assert status == 201 and json.loads(body)["body"] == text
    wait_until(lambda: total(documents, "/free") == 1 and total(documents, "/uncached") == 2, "the mirrors' documents")
    assert documents.get("/free/m1").json()["body"] == documents.get("/uncached/m1").json()["body"] == text


def test_a_mirror_of_a_request_that_another_module_answers(ask, documents):
    for i in range(5):
        assert ask("POST", "/mirrored-answer/", b'{"_id":"m%d"}' % i)[::2] == (200, b"main")
    wait_until(lambda: total(documents, "/free") == 5, "the mirrors' documents")


def test_a_mirror_that_fails_is_not_heard_of(ask, documents):
    assert ask("POST", "/mirrored-both/notes", b'{"_id":"u1","title":"both"}')[0] == 201
    assert documents.get("/uncached/u1").json()["text"] == "store"
    assert ask("POST", "/mirrored/notes", b'{"title":1}')[0] == 422
    assert ask("DELETE", "/mirrored/notes/u1")[0] == 204  # 405 for the mirror
    assert total(documents, "/notes") == 1


def test_a_mirror_does_not_use_up_the_idempotency_key(ask, documents):
    key = [("idempotency-key", f'"{uuid.uuid4()}"')]
    status, headers, body = ask("POST", "/mirrored-same/notes", b'{"title":"x"}', key)
    assert status == 201 and "idempotency-replayed" not in headers
    status, headers, again = ask("POST", "/mirrored-same/notes", b'{"title":"x"}', key)
    assert status == 201 and headers["idempotency-replayed"] == "true" and again == body


def test_ssi_includes_documents(ask, documents):
    status, headers, body = ask("GET", "/ssi/one.html")
    assert status == 200 and headers["content-type"] == "text/html"
    assert json.loads(body)[0]["title"] == "note"
    status, _, body = ask("GET", "/ssi/many.html")
    assert status == 200 and parts(body) == [NOTE, STORE, LIVE, NONE] * 3


def test_ssi_within_ssi(ask, documents):
    status, _, body = ask("GET", "/ssi/nested.html")
    assert status == 200 and parts(body) == [NOTE] + [NOTE, STORE, LIVE, NONE] * 3
    assert body.startswith(b"([{") and body.endswith(b"}])")


def test_ssi_that_waits_and_ssi_in_memory(ask, documents):
    status, _, body = ask("GET", "/ssi/waits.html")
    assert status == 200 and parts(body) == [STORE, NOTE]
    status, _, body = ask("GET", "/ssi/memory.html")
    assert status == 200 and parts(body) == [LIVE, STORE]


def test_ssi_answers_a_head_request(ask, documents):
    status, _, body = ask("HEAD", "/ssi/many.html")
    assert status == 200 and body == b""


def test_what_is_added_to_a_static_page(ask, documents):
    status, _, body = ask("GET", "/added/plain.html")
    assert status == 200 and parts(body) == [NOTE, "static", STORE]


@pytest.mark.parametrize("path", ["notes/n1", "uncached/u1"])
def test_what_is_added_to_a_document(ask, documents, path):
    status, _, body = ask("GET", "/around/" + path)
    assert status == 200 and parts(body) == [NOTE, NOTE if path == "notes/n1" else STORE, STORE]
    assert ask("GET", "/around/notes/none")[0] == 404


HELD = {  # path: how many of its requests wait in the store's place
    "/held/notes/n1": 1,
    "/ssi/held.html": 2,
    "/around-held/notes/n1": 1,
}


def held(server):
    with Client(server.url) as client:
        return client.get("/test/held").json()


def release(server):
    with Client(server.url) as client:
        client.get("/test/release")


@pytest.mark.parametrize("path", HELD)
@pytest.mark.parametrize("how", ["reset", "close", "http2 reset", "http2 close"])
def test_a_client_that_goes_away_ends_the_subrequests(server, documents, path, how):
    documents.close()
    (worker,) = server.workers()
    for _ in range(5):
        if how.startswith("http2"):
            with http2.Connection(server.h2_port) as connection:
                stream = connection.begin("GET", path)
                wait_until(lambda: held(server) == HELD[path], "subrequests wait")
                if how == "http2 reset":
                    connection.reset(stream)
                    wait_until(lambda: held(server) == 0, "the fibers end")
        else:
            connection = raw.connect(server.port)
            connection.sendall(raw.request("GET", path))
            wait_until(lambda: held(server) == HELD[path], "subrequests wait")
            connection.reset() if how == "reset" else connection.socket.close()
        wait_until(lambda: held(server) == 0, "the fibers end")
    wait_until(lambda: not clients_of(worker, server.port, server.h2_port), "connections closed")
    assert server.workers() == [worker]


@pytest.mark.parametrize("path", HELD)
def test_subrequests_that_wait_long_are_answered(ask, server, documents, path):
    answers = []
    asking = threading.Thread(target=lambda: answers.append(ask("GET", path)))
    asking.start()
    for left in reversed(range(HELD[path])):
        wait_until(lambda left=left: held(server) == left + 1, "subrequests wait")
        release(server)
    asking.join()
    status, _, body = answers[0]
    assert status == 200 and b'"note"' in body


@pytest.mark.parametrize("gone", [False, True])
def test_a_mirror_that_waits_keeps_the_connection_and_leaves_none(server, documents, gone):
    documents.close()
    (worker,) = server.workers()
    for _ in range(3):
        with raw.connect(server.port) as connection:
            connection.sendall(raw.request("GET", "/mirrored-hold/plain.html"))
            assert connection.read_answer()[::2] == (200, b"static")
            wait_until(lambda: held(server) == 1, "the mirror waits")
            if gone:
                connection.reset()
            release(server)
            wait_until(lambda: held(server) == 0, "the mirror ends")
            if not gone:
                connection.sendall(raw.request("GET", "/notes/n1"))
                assert connection.read_answer()[0] == 200
    wait_until(lambda: not clients_of(worker, server.port, server.h2_port), "connections closed")


def test_a_mirror_that_waits_leaves_no_http2_connection(server, documents):
    documents.close()
    (worker,) = server.workers()
    for _ in range(3):
        with http2.Connection(server.h2_port) as connection:
            assert connection.request("GET", "/mirrored-hold/plain.html")[::2] == (200, b"static")
            wait_until(lambda: held(server) == 1, "the mirror waits")
        release(server)
        wait_until(lambda: held(server) == 0, "the mirror ends")
    wait_until(lambda: not clients_of(worker, server.port, server.h2_port), "connections closed")


def test_a_connection_is_kept_after_each_kind_of_answer(server, documents):
    permit = create(documents, "/notes", {"_id": "permit", "title": "x"})
    tag = documents.get("/notes/permit").headers["ETag"]
    requests = [
        (200, "GET", "/checked/plain.html", b"", []),
        (200, "GET", "/checked/plain.html", b"", [f"If-None-Match: {tag}"]),
        (304, "GET", "/checked/plain.html", b"", ["If-None-Match: *"]),
        (404, "GET", "/admin/notes/none", b"", []),
        (401, "GET", "/anonymous/notes/n1", b"", []),
        (401, "POST", "/anonymous/notes", b'{"title":"x"}', []),
        (403, "POST", "/forbidden/notes", b'{"title":"x"}', []),
        (201, "POST", "/mirrored/notes", b'{"title":"x"}', []),
        (422, "POST", "/mirrored/notes", b'{"title":1}', []),
        (200, "PUT", "/admin/notes/n1", b'{"title":"new"}', []),
        (204, "DELETE", "/open/notes/n1", b'{"ignored":1}', []),
        (200, "GET", "/notes/permit", b"", []),
    ]
    with raw.connect(server.port) as connection:
        for status, method, path, body, headers in requests * 2:
            if (status, method) == (200, "PUT"):
                documents.put("/notes/n1", json={"title": "x"}, headers={"If-None-Match": "*"})
            connection.sendall(raw.request(method, path, body, headers))
            answer = connection.read_answer()
            assert answer is not None, f"closed before {method} {path}"
            assert answer[0] == status and "close" not in answer[1].get("connection", ""), (method, path, answer)
    assert documents.get("/notes/permit").json() == permit
