"""nginx's own error pages are problem documents, and nothing else is: what an administrator or another handler answers
stays."""

import http2
import lines
import pytest
import raw
from assertions import assert_problem
from harness import free_port, modules_path

OWN_PAGE = "<center><h1>"
MINE = '{"error":"mine"}'
AS_LONG = "x" * 153  # as nginx 1.22's own page for a 404


class Site:
    """A server with a Nacre location and all kinds of others, and what they are passed to."""

    def __init__(self, make_nginx):
        self.upstream, self.dead, self.limited, self.off = (free_port() for _ in range(4))
        self.nginx = make_nginx(
            http=f"""
                limit_req_zone $binary_remote_addr zone=strict:1m rate=1r/m;
                limit_req_zone $request_method zone=others:1m rate=1r/m;
                client_max_body_size 1k;
                client_header_buffer_size 1k;
                large_client_header_buffers 2 2k;
                server {{
                    listen 127.0.0.1:{self.upstream};
                    location / {{ return 418 "from upstream"; }}
                    location /401 {{ add_header WWW-Authenticate 'Basic realm="up"' always; return 401 "upstream 401"; }}
                    location /404 {{ return 404; }}
                    location /503 {{ add_header X-Request-Id upstream-id always; return 503 "busy"; }}
                    location /empty {{ return 404; error_page 404 = @empty; }}
                    location @empty {{ more_clear_headers Content-Type; return 404 ""; }}
                }}
                server {{
                    listen 127.0.0.1:{self.off};
                    nacre_problems off;
                    location / {{ nacre api; }}
                    location /on/ {{ nacre_problems on; return 404; }}
                    location /off/ {{ return 404; }}
                }}""",
            main=f"load_module {modules_path()}/ngx_http_headers_more_filter_module.so;",
            server=self.locations(),
        )
        files = self.nginx.home / "files"
        files.mkdir()
        (files / "mine.html").write_text("<h1>my own page</h1>")
        (files / "mine.json").write_text(MINE)
        (files / "users").write_text("me:{PLAIN}secret\n")
        self.nginx.start()
        self.nginx.tolerate(r"\[error\]")

    def locations(self):
        to_upstream = f"proxy_pass http://127.0.0.1:{self.upstream}"
        return f"""
            root files;
            location / {{ nacre api; }}

            # What nginx answers by itself.
            location /status/400 {{ return 400; }}
            location /status/402 {{ return 402; }}
            location /status/403 {{ deny all; }}
            location /status/404 {{ root /nonexistent; }}
            location /status/410 {{ return 410; }}
            location /status/418 {{ return 418; }}
            location /status/500 {{ return 500; }}
            location /status/502 {{ proxy_pass http://127.0.0.1:{self.dead}; }}
            location /status/503 {{ return 503; }}
            location /status/507 {{ return 507; }}
            location /status/599 {{ return 599; }}
            location /internal {{ internal; nacre api; }}
            location /login {{ auth_basic "mine"; auth_basic_user_file files/users; nacre api; }}
            location /limited/429 {{ limit_req zone=strict; limit_req_status 429; nacre live; }}
            location /limited/503 {{ limit_req zone=others; nacre live; }}
            location /if/403 {{ if ($arg_no) {{ return 403; }} nacre live; }}
            location /loop {{ rewrite ^ /loop last; }}
            location /asked {{ auth_request /no; nacre live; }}
            location = /no {{ internal; return 401; }}

            # What others answer.
            location /text/418 {{ return 418 '{MINE}'; }}
            location /text/404 {{ default_type application/json; return 404 '{MINE}'; }}
            location /text/503 {{ return 503 '{MINE}'; }}
            location /text/200 {{ return 200 '{MINE}'; }}
            location /upstream/ {{ {to_upstream}/; }}
            location /rewritten/ {{ error_page 404 =418 /mine.json; }}
            location /page/ {{ error_page 404 403 /mine.html; location /page/403 {{ deny all; }} }}
            location /page-200/ {{ error_page 404 =200 /mine.json; }}
            location /named/ {{ error_page 404 @named; }}
            location @named {{ return 404 '{MINE}'; }}
            location /status-of-named/ {{ error_page 404 = @teapot; }}
            location @teapot {{ return 418 '{MINE}'; }}
            location /typed/ {{ error_page 404 /typed.html; }}
            location = /typed.html {{ types {{ }} default_type text/html; return 404 "a page of the administrator's"; }}
            location /as-long/ {{ error_page 404 /as-long.html; }}
            location = /as-long.html {{ types {{ }} default_type text/html; return 404 "{AS_LONG}"; }}
            location /typed-by-nginx/ {{ error_page 404 /typed-by-nginx.html; }}
            location = /typed-by-nginx.html {{ return 404 "a page of the administrator's"; }}
            location /to-upstream/ {{ error_page 404 @upstream; }}
            location @upstream {{ {to_upstream}; }}
            location /recursive/ {{ recursive_error_pages on; error_page 404 /recursive-2/; }}
            location /recursive-2/ {{ recursive_error_pages on; error_page 404 /mine.json; }}
            location /intercepted/ {{ proxy_intercept_errors on; error_page 418 /mine.json; {to_upstream}/; }}

            # An error page that is missing: nginx falls back to its own.
            location /missing/ {{ error_page 404 /none.html; }}
            location = /none.html {{ }}
            location /missing-named/ {{ error_page 404 @none; }}
            location /missing-recursive/ {{ recursive_error_pages on; error_page 404 /missing/x; }}

            # An error page that Nacre answers.
            location /to-nacre/ {{ error_page 404 = /live; }}
            location = /live {{ nacre live; }}
            location /to-api/ {{ error_page 404 /notes/none; }}

            # An error that is another's, intercepted: it is nginx's page now.
            location /taken/401 {{ proxy_intercept_errors on; error_page 401 @again; {to_upstream}/401; }}
            location @again {{ return 401; }}

            location /redirect {{ return 301 /elsewhere; }}
            location /redirect-302 {{ error_page 404 http://127.0.0.1/elsewhere; }}
            location /no-content {{ return 204; }}
            location /dir {{ }}

            # A filter that refuses what it sees (If-Match of a file).
            location /mine {{ }}

            location /off/ {{ nacre_problems off; root /nonexistent; location /off/on/ {{ nacre_problems on; }} }}
            location /off-api/ {{ nacre_problems off; limit_except GET {{ deny all; }} nacre api; }}"""


@pytest.fixture(scope="module")
def site(make_nginx):
    site = Site(make_nginx)
    yield site
    site.nginx.stop()


@pytest.fixture
def own(site):
    return site.nginx.api


def test_nginx_s_own_pages_are_problems(own):
    for status in (400, 402, 403, 404, 410, 418, 500, 502, 503, 507, 599):
        answer = own.get(f"/status/{status}")
        assert answer.status_code == status and answer.headers["Content-Type"] == "application/problem+json", status
        assert answer.json()["status"] == status and answer.json()["instance"] == answer.headers["X-Request-Id"]
        assert answer.headers["Cache-Control"] == "no-store"
        head = own.head(f"/status/{status}")
        assert head.status_code == status and head.content == b""
        assert head.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("agent", ["Mozilla/4.0 (compatible; MSIE 6.0)", "Mozilla/5.0 Chrome/1.0", "curl/8"])
def test_pages_that_are_padded_for_browsers_are_problems_too(own, agent):
    assert_problem(own.get("/status/404", headers={"User-Agent": agent}), 404)


@pytest.mark.parametrize("path", ["/missing/x", "/missing-recursive/x", "/recursive-2/../status/404"])
def test_a_missing_error_page_is_a_problem(own, path):
    assert_problem(own.get(path), 404)


def test_a_missing_named_location_and_a_loop_are_problems(own):
    for path in ("/missing-named/x", "/loop"):
        answer = own.get(path)
        assert answer.status_code == 500 and answer.json()["status"] == 500


@pytest.mark.parametrize(
    "path, status, body",
    [
        ("/text/418", 418, MINE),
        ("/text/404", 404, MINE),
        ("/text/503", 503, MINE),
        ("/text/200", 200, MINE),
        ("/upstream/", 418, "from upstream"),
        ("/upstream/401", 401, "upstream 401"),
        ("/upstream/503", 503, "busy"),
        ("/rewritten/x", 418, MINE),
        ("/page/x", 404, "<h1>my own page</h1>"),
        ("/page/403", 403, "<h1>my own page</h1>"),
        ("/page-200/x", 200, MINE),
        ("/named/x", 404, MINE),
        ("/status-of-named/x", 418, MINE),
        ("/typed/x", 404, "a page of the administrator's"),
        ("/as-long/x", 404, AS_LONG),
        ("/typed-by-nginx/x", 404, "a page of the administrator's"),
        ("/to-upstream/x", 404, "from upstream"),
        ("/recursive/x", 404, MINE),
        ("/intercepted/", 418, MINE),
        ("/to-nacre/x", 200, '{"status":"live"}'),
        ("/redirect", 301, None),
        ("/redirect-302/x", 302, None),
        ("/no-content", 204, ""),
    ],
)
def test_what_others_answer_stays(own, path, status, body):
    answer = own.get(path, allow_redirects=False)
    assert answer.status_code == status
    assert body is None or answer.text == body
    assert "problem" not in answer.headers.get("Content-Type", "")
    assert "Retry-After" not in answer.headers and answer.headers.get("Cache-Control") in (None, "no-store")
    assert answer.headers["X-Request-Id"]


def test_nginx_s_page_from_an_upstream_stays(own):
    assert OWN_PAGE in own.get("/upstream/404").text


def test_an_error_page_that_nacre_answers_is_its_own(own):
    assert_problem(own.get("/to-api/x"), 404, "Not Found")


def test_a_challenge_stays_with_its_problem(own):
    answer = own.get("/login/notes")
    assert_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="mine"'
    assert_problem(own.get("/login/notes", auth=("me", "wrong")), 401)
    assert own.get("/login/notes", auth=("me", "secret")).status_code == 200
    taken = own.get("/taken/401")
    assert_problem(taken, 401)
    assert taken.headers["WWW-Authenticate"] == 'Basic realm="up"'


def test_an_auth_request_s_refusal_is_a_problem(own):
    answer = own.get("/asked")
    assert answer.status_code == 401 and answer.json()["status"] == 401


def test_limits_say_when_to_come_back(own):
    for status in (429, 503):
        assert own.get(f"/limited/{status}").status_code == 200
        assert_problem(own.get(f"/limited/{status}"), status)


def test_what_is_internal_is_a_problem(own):
    assert_problem(own.get("/internal/notes"), 404)
    assert_problem(own.get("/if/403?no=1"), 403)
    assert own.get("/if/403").status_code == 200


def test_a_filter_that_refuses_gives_a_problem_with_one_id(site):
    answer = lines.fetch(site.nginx.port, "GET", "/mine.json", [("If-Match", '"other"')])
    assert answer.status == 412 and answer.one("Content-Type") == "application/problem+json"
    assert answer.one("X-Request-Id").encode() in answer.body


def test_another_s_request_id_stays_the_only_one(site):
    answer = lines.fetch(site.nginx.port, "GET", "/upstream/503")
    assert answer.one("X-Request-Id") == "upstream-id"


EARLY = {
    "no method": (b"\x01\x02\r\n\r\n", 400),
    "lower case": (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a version that is none": (b"GET / HTTP/x\r\nHost: a\r\n\r\n", 400),
    "version 2 in text": (b"GET / HTTP/2.9\r\nHost: a\r\n\r\n", 505),
    "no host": (b"GET /notes HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET /notes HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "a bad host": (b"GET /notes HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "above the root": (b"GET /../x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a NUL": (b"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "two lengths": (b"POST /notes HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    "a bad length": (b"POST /notes HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400),
    "length and chunks": (
        b"POST /notes HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "bad chunks": (b"POST /notes HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    "an unknown encoding": (b"POST /notes HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: br\r\n\r\n", 501),
    "a long URI": (b"GET /" + b"x" * 4000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "a long header": (b"GET /notes HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 4000 + b"\r\n\r\n", 400),
    "a large body": (b"POST /notes HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n", 413),
    "a large body of chunks": (
        b"POST /notes HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n" + b"x" * 5000 + b"\r\n0\r\n\r\n",
        413,
    ),
}


@pytest.mark.parametrize("data, status", EARLY.values(), ids=EARLY)
def test_what_nginx_refuses_before_it_knows_the_location(site, data, status):
    with raw.connect(site.nginx.port) as connection:
        connection.sendall(data)
        got, headers, body = connection.read_answer()
    assert got == status and headers["content-type"] == "application/problem+json"
    assert f'"status":{status}'.encode() in body and headers["x-request-id"].encode() in body


def test_a_long_header_is_told_from_other_bad_requests(site):
    with raw.connect(site.nginx.port) as connection:
        connection.sendall(EARLY["a long header"][0])
        assert b"the header is larger" in connection.read_answer()[2]


@pytest.mark.parametrize("method", ["TRACE", "FOO", "QUERY", "PROPFIND", "LOCK", "MKCOL"])
@pytest.mark.parametrize(
    "path, allow",
    [
        ("/notes", "GET, HEAD, POST, OPTIONS"),
        ("/notes/one", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("/live", "GET, HEAD"),
    ],
)
def test_other_methods_are_405_with_allow(site, method, path, allow):
    answer = lines.fetch(site.nginx.port, method, path)
    assert answer.status == 405 and answer.one("Allow") == allow
    assert answer.one("Content-Type") == "application/problem+json" and answer.one("X-Request-Id")


def test_connect_is_405_with_allow(site):
    with raw.connect(site.nginx.port) as connection:
        connection.sendall(b"CONNECT /notes HTTP/1.1\r\nHost: a\r\n\r\n")
        status, headers, _ = connection.read_answer()
    assert status == 405 and headers["allow"] == "GET, HEAD, POST, OPTIONS"


def test_trace_where_nothing_is_allows_nothing(site):
    answer = lines.fetch(site.nginx.port, "TRACE", "/none")
    assert answer.status == 405 and answer.one("Allow") == ""


@pytest.mark.parametrize("method, path, status", [("TRACE", "/notes", 405), ("GET", "/status/404", 404), ("GET", "/none", 404)])
def test_over_http2_too(site, method, path, status):
    with http2.Connection(site.nginx.h2_port) as connection:
        got, headers, body = connection.request(method, path)
    assert got == status and headers["content-type"] == "application/problem+json"
    assert headers["x-request-id"].encode() in body and (status != 405 or headers["allow"])


def test_over_http2_a_large_body_is_a_problem(site):
    with http2.Connection(site.nginx.h2_port) as connection:
        status, headers, body = connection.request("POST", "/notes", b"x" * 5000)
    assert status == 413 and headers["content-type"] == "application/problem+json"


def test_problems_off_leaves_nginx_s_pages(own):
    answer = own.get("/off/x")
    assert answer.status_code == 404 and OWN_PAGE in answer.text and answer.headers["X-Request-Id"]
    assert_problem(own.get("/off/on/x"), 404)
    refused = own.delete("/off-api/notes/x")
    assert refused.status_code == 403 and OWN_PAGE in refused.text
    assert_problem(own.get("/off-api/none"), 404)


def test_problems_off_for_a_server_is_so_before_a_location_is_known(site):
    off = site.off
    assert OWN_PAGE.encode() in lines.fetch(off, "GET", "/off/x").body
    assert lines.fetch(off, "GET", "/on/x").one("Content-Type") == "application/problem+json"
    assert lines.fetch(off, "GET", "/none").one("Content-Type") == "application/problem+json"  # Nacre's own
    with raw.connect(off) as connection:
        connection.sendall(b"GET /notes HTTP/1.1\r\n\r\n")
        status, headers, body = connection.read_answer()
    assert status == 400 and OWN_PAGE.encode() in body and headers["x-request-id"]
