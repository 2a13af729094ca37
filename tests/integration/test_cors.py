"""CORS: what pages of other origins are told, by Nacre and by nginx itself, and what the cache lets through."""

import http2
import pytest
import raw
import yamls
from assertions import assert_problem, create
from harness import free_port

APP = "https://app.example.com"
OTHER = "https://other.example.com"
EVIL = "https://evil.example.com"
CORS = f'cors: {{ origins: ["{APP}", "{OTHER}"], credentials: true, max_age: 10m, expose: [X-Total] }}\n'
YAML = yamls.EXAMPLE + CORS
ANY = yamls.EXAMPLE + 'cors: { origins: "*" }\n'

# Names that may stand in an answer once at most.
SINGLE = ("origin", "credentials", "expose-headers", "allow-methods", "allow-headers", "max-age")


def lines_of(connection, method, path, headers=(), body=b""):
    """Status, and each header with all of its lines, over HTTP/1.1 or HTTP/2."""
    connection.sendall(raw.request(method, path, body, [f"{name}: {value}" for name, value in headers]))
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.socket.recv(65536)
    head = data.split(b"\r\n\r\n")[0].decode().split("\r\n")
    return int(head[0].split()[1]), [tuple(line.lower().split(": ", 1)) for line in head[1:]]


def values(lines, name):
    return [value for key, value in lines if key == name.lower()]


def assert_allowed(headers, origin=APP):
    assert headers["Access-Control-Allow-Origin"] == origin
    assert headers["Access-Control-Allow-Credentials"] == "true"
    exposed = headers["Access-Control-Expose-Headers"].split(", ")
    assert {"ETag", "Location", "Link", "Retry-After", "X-Request-Id", "Cache-Status", "X-Total"} <= set(exposed)
    assert "Origin" in [name.strip() for name in headers["Vary"].split(",")]


def assert_refused(headers):
    assert not [name for name in headers if name.lower().startswith("access-control-")], headers
    assert "Origin" in [name.strip() for name in headers["Vary"].split(",")]


def preflight(api, path, method, origin=APP, headers="content-type"):
    return api.options(
        path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": headers,
        },
    )


@pytest.fixture(scope="module")
def server(make_nginx):
    nginx = make_nginx(YAML).start()
    yield nginx
    nginx.stop()


@pytest.mark.parametrize(
    "path, methods",
    [
        ("/notes", {"GET", "HEAD", "POST"}),
        ("/notes/n1", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
        ("/hello/you", {"GET", "HEAD"}),
        ("/notes/n1/star", {"POST"}),
        ("/members/n1", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
        ("/openapi.json", {"GET", "HEAD"}),
        ("/nothing", {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}),
        ("/auth/me", {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}),
    ],
)
def test_a_preflight_is_answered(api, path, methods):
    answer = preflight(api, path, "GET", headers="if-match, x-csrf-token, authorization")
    assert answer.status_code == 204 and answer.content == b""
    assert answer.headers["Access-Control-Allow-Origin"] == APP
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert set(answer.headers["Access-Control-Allow-Methods"].split(", ")) - {"OPTIONS"} == methods
    allowed = {name.lower() for name in answer.headers["Access-Control-Allow-Headers"].split(", ")}
    assert {
        "content-type",
        "if-match",
        "if-none-match",
        "prefer",
        "idempotency-key",
        "authorization",
        "x-csrf-token",
    } <= allowed
    assert answer.headers["Access-Control-Max-Age"] == "600"
    assert "Origin" in answer.headers["Vary"] and "Access-Control-Request-Method" in answer.headers["Vary"]
    assert answer.headers["X-Request-Id"]


def test_a_preflight_of_another_origin_is_told_nothing(api):
    for origin in (EVIL, "null", APP + ".evil.example", APP.upper(), f"{APP}, {OTHER}"):
        answer = preflight(api, "/notes", "POST", origin)
        assert answer.status_code == 204
        assert_refused(answer.headers)


def test_options_that_is_no_preflight_lists_what_is_allowed(api):
    for headers in ({}, {"Origin": APP}, {"Access-Control-Request-Method": "PUT"}):
        answer = api.options("/notes/n1", headers=headers)
        assert answer.status_code == 204
        assert answer.headers["Allow"] and answer.headers["Accept-Patch"]
        assert "Access-Control-Allow-Methods" not in answer.headers


def test_every_answer_to_an_allowed_origin_carries_the_headers(api, notes):
    page = {"Origin": APP}
    created = api.post(notes, json={"title": "x"}, headers=page)
    assert created.status_code == 201
    path = created.headers["Location"]
    answers = [
        created,
        api.get(path, headers=page),
        api.head(path, headers=page),
        api.get(path, headers={**page, "If-None-Match": created.headers["ETag"]}),
        api.get(notes, headers=page),
        api.get("/hello/you", headers=page),
        api.patch(path, json={"title": 1}, headers=page),
        api.post(notes, data=b"{", headers={**page, "Content-Type": "application/json"}),
        api.post(notes, data=b"{", headers={**page, "Content-Type": "text/plain"}),
        api.put(path, json={"title": "y"}, headers={**page, "If-Match": '"no"'}),
        api.delete(notes, headers=page),
        api.get("/members", headers=page),
        api.get("/members", headers={**page, "Authorization": "Bearer x"}),
        api.post("/closed", json={}, headers=page),
        api.get("/nothing", headers=page),
        api.get("/openapi.json", headers=page),
        api.get("/ready", headers=page),
        api.delete("/ready", headers=page),
        api.delete(path, headers=page),
    ]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [201, 200, 200, 304, 200, 200, 422, 400, 415, 412, 405, 401, 401, 403, 404, 200, 200, 405, 204]
    for answer in answers:
        assert_allowed(answer.headers)
        assert "Access-Control-Allow-Methods" not in answer.headers
    assert {"Authorization", "Cookie", "Origin"} <= {name.strip() for name in answers[11].headers["Vary"].split(",")}


def test_a_cached_answer_carries_those_of_whoever_asks(api, notes):
    path = f"{notes}/{create(api, notes, {'title': 'x'})['_id']}"
    assert api.get(path, headers={"Origin": APP}).headers["Cache-Status"] == "nacre; fwd=miss"
    for origin in (OTHER, APP):
        answer = api.get(path, headers={"Origin": origin})
        assert answer.headers["Cache-Status"] == "nacre; hit"
        assert_allowed(answer.headers, origin)
    for headers in ({"Origin": EVIL}, {}):
        answer = api.get(path, headers=headers)
        assert answer.headers["Cache-Status"] == "nacre; hit"
        assert_refused(answer.headers)


def test_over_http_2(server, api, notes):
    create(api, notes, {"_id": "n1", "title": "x"})
    with http2.Connection(server.h2_port) as connection:
        status, headers, _ = connection.request("GET", notes + "/n1", headers=[("origin", APP)])
        assert status == 200 and headers["access-control-allow-origin"] == APP and headers["vary"] == "Origin"
        asked = [("origin", APP), ("access-control-request-method", "PUT"), ("access-control-request-headers", "if-match")]
        status, headers, body = connection.request("OPTIONS", notes + "/n1", headers=asked)
        assert status == 204 and body == b"" and "PUT" in headers["access-control-allow-methods"]
        status, headers, _ = connection.request("GET", "/nothing", headers=[("origin", EVIL)])
        assert status == 404 and "access-control-allow-origin" not in headers and headers["vary"] == "Origin"


def test_without_cors_nothing_is_said(start):
    api = start(yamls.EXAMPLE).api
    for answer in (preflight(api, "/notes", "POST"), api.get("/notes", headers={"Origin": APP})):
        assert answer.status_code in (200, 204)
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
        assert "Vary" not in answer.headers
    assert preflight(api, "/notes", "POST").headers["Allow"]


def test_all_origins(start):
    api = start(ANY).api
    for headers in ({"Origin": EVIL}, {"Origin": "null"}, {}):
        for path in ("/notes", "/nothing"):
            answer = api.get(path, headers=headers)
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert "Access-Control-Allow-Credentials" not in answer.headers and "Vary" not in answer.headers
    answer = preflight(api, "/notes/n1", "PUT", EVIL, "authorization, if-match")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    # `*` would not cover it (Fetch standard, 3.3.4).
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


def test_answers_of_nginx_itself(start):
    nginx = start(
        YAML,
        http="limit_req_zone $binary_remote_addr zone=slow:1m rate=1r/m; limit_req_status 429; client_max_body_size 1k;",
        server="location / { nacre api; }"
        "location /slow/ { limit_req zone=slow; nacre api; }"
        "location /denied/ { deny all; nacre api; }"
        "location /moved/ { return 308 /notes; nacre api; }"
        "location /off { return 503; }"
        "location /away { proxy_pass http://127.0.0.1:1; }"
        "location /framed/ { error_page 413 /framed.html; nacre api; }"
        "location = /framed.html { internal; return 200 page; }",
    )
    api, page = nginx.api, {"Origin": APP}
    assert api.get("/slow/notes", headers=page).status_code == 200
    large = {"title": "x" * 2000}
    answers = [
        api.get("/slow/notes", headers=page),
        api.post("/notes", json=large, headers=page),
        api.get("/denied/notes", headers=page),
        api.get("/off", headers=page),
        api.get("/away", headers=page),
    ]
    for answer, status in zip(answers, [429, 413, 403, 503, 502], strict=True):
        assert_problem(answer, status)
        assert_allowed(answer.headers)
    for answer, status in [
        (api.get("/moved/x", headers=page, allow_redirects=False), 308),
        (api.post("/framed/notes", json=large, headers=page), 413),
    ]:
        assert answer.status_code == status
        assert_allowed(answer.headers)
    # A browser takes a preflight that is refused for a no, but the page's own request is the one that counts.
    answer = preflight(api, "/slow/notes", "PUT")
    assert answer.status_code == 429 and answer.headers["Access-Control-Allow-Origin"] == APP
    with raw.connect(nginx.port) as connection:
        status, lines = lines_of(connection, "GET", "/notes", [("Origin", APP), ("Content-Length", "x")])
        assert status == 400 and values(lines, "Access-Control-Allow-Origin") == [APP]


def test_preflights_need_no_credential(start):
    """nginx's own authorization would refuse them, since browsers send none along."""
    nginx = start(
        YAML,
        server="location /basic/ { auth_basic realm; auth_basic_user_file nobody; nacre api; }"
        "location /denied/ { deny all; nacre api; }"
        "location /asked/ { auth_request /no; nacre api; } location = /no { internal; return 401; }"
        "location /except/ { nacre api; limit_except GET { deny all; } }"
        "location /any/ { satisfy any; deny all; auth_basic realm; auth_basic_user_file nobody; nacre api; }",
    )
    (nginx.home / "nobody").write_text("")
    for place, refusal in [("basic", 401), ("denied", 403), ("asked", 401), ("except", 403), ("any", 401)]:
        answer = preflight(nginx.api, f"/{place}/notes/n1", "PUT")
        assert answer.status_code == 204 and "PUT" in answer.headers["Access-Control-Allow-Methods"]
        refused = nginx.api.put(f"/{place}/notes/n1", json={"title": "x"}, headers={"Origin": APP})
        assert refused.status_code == refusal
        assert_allowed(refused.headers)


def test_one_line_each_whatever_stands_beside(start):
    nginx = start(
        YAML,
        http="gzip on; gzip_types *; gzip_vary on; gzip_min_length 1;",
        server="location / { nacre api;"
        'add_header Access-Control-Allow-Origin "*" always; add_header Access-Control-Allow-Credentials false always;'
        "add_header Access-Control-Allow-Methods GET always; add_header Access-Control-Allow-Headers x always;"
        "add_header Access-Control-Max-Age 1 always; add_header Access-Control-Expose-Headers X-Own always;"
        "add_header Vary Origin always; }"
        "location /asked/ { auth_request /check/notes; nacre api; } location /check/ { internal; nacre api; }"
        "location /copied/ { mirror /copy; nacre api; } location = /copy { internal; return 204; }",
    )
    zipped = ("Accept-Encoding", "gzip")
    for path in ("/notes", "/nothing", "/asked/notes", "/copied/notes"):
        with raw.connect(nginx.port) as connection:
            _, lines = lines_of(connection, "GET", path, [("Origin", APP), zipped])
        for name in SINGLE:
            assert len(values(lines, "access-control-" + name)) <= 1, lines
        assert values(lines, "access-control-allow-origin") == [APP]
        vary = ", ".join(values(lines, "vary")).split(", ")
        assert vary.count("origin") == 1, lines
        assert path == "/nothing" or vary.count("accept-encoding") == 1, lines
        exposed = values(lines, "access-control-expose-headers")[0].split(", ")
        assert "etag" in exposed and (path not in ("/notes", "/nothing") or "x-own" in exposed)
    asked = [("Origin", APP), ("Access-Control-Request-Method", "PUT")]
    with raw.connect(nginx.port) as connection:
        status, lines = lines_of(connection, "OPTIONS", "/notes/n1", asked)
    assert status == 204 and values(lines, "access-control-max-age") == ["600"]
    assert "put" in values(lines, "access-control-allow-methods")[0]
    assert "if-match" in values(lines, "access-control-allow-headers")[0]


def test_a_subrequest_asks_for_no_page(start):
    """auth_request takes the client's own headers along; its answer is no answer to the page."""
    nginx = start(
        YAML,
        server="location /asked/ { auth_request /check/notes/permit; nacre api; } location /check/ { internal; nacre api; }",
    )
    answer = nginx.api.get("/asked/notes", headers={"Origin": APP})
    assert answer.headers["Access-Control-Allow-Origin"] == APP


def test_what_other_handlers_answer_in_other_locations_is_theirs(start):
    port = free_port()
    nginx = start(
        YAML,
        http=f"server {{ listen 127.0.0.1:{port}; location /plain {{ return 200 own; }} location /else/ {{ return 200 own; }}"
        "location / { add_header Access-Control-Allow-Origin https://own.example always; return 404 own; } }",
        server=f"location / {{ nacre api; }} location /own/ {{ proxy_pass http://127.0.0.1:{port}/; }}"
        "location /here { return 200 mine; } location /else/ { error_page 404 = @else; return 404; }"
        f"location @else {{ proxy_pass http://127.0.0.1:{port}; }}",
    )
    page = {"Origin": APP}
    assert nginx.api.get("/own/x", headers=page).headers["Access-Control-Allow-Origin"] == "https://own.example"
    for path in ("/own/plain", "/here", "/else/x"):
        answer = nginx.api.get(path, headers=page)
        assert answer.status_code == 200 and "Access-Control-Allow-Origin" not in answer.headers
        assert "Access-Control-Allow-Methods" not in preflight(nginx.api, path, "PUT").headers


def test_errors_of_other_locations_are_theirs(start):
    """Only what says that nginx is overloaded or at fault may be read by a page of another origin."""
    nginx = start(
        YAML,
        server='location / { nacre api; } location /secret { return 404 "secret text"; }'
        "location /moved { return 302 /else?token=x; }"
        "location /named/ { error_page 404 = @named; return 404; } location @named { return 200 token; }"
        "location /page/ { error_page 404 =200 /index; return 404; } location /index { return 200 token; }"
        "location /kept/ { error_page 503 /index; return 503; }"
        "location /missing/ { root /nowhere; }"
        'location /cdn/ { root /nowhere; add_header Access-Control-Allow-Origin "*" always; }'
        'location /cdn/off/ { add_header Access-Control-Allow-Origin "*" always; return 503; }'
        "location /off { return 503; }",
    )
    page = {"Origin": APP}
    for path, status in [
        ("/secret", 404),
        ("/moved", 302),
        ("/named/x", 200),
        ("/page/x", 200),
        ("/kept/x", 503),
        ("/missing/x", 404),
    ]:
        answer = nginx.api.get(path, headers=page, allow_redirects=False)
        assert answer.status_code == status and "Access-Control-Allow-Origin" not in answer.headers, path
    for path in ("/cdn/x", "/cdn/off/x"):
        answer = nginx.api.get(path, headers=page)
        assert answer.headers["Access-Control-Allow-Origin"] == "*" and "Access-Control-Allow-Credentials" not in answer.headers
    assert_allowed(nginx.api.get("/off", headers=page).headers)


def test_origins_change_with_a_reload(start):
    nginx = start(YAML)
    assert "Access-Control-Allow-Origin" not in nginx.api.get("/notes", headers={"Origin": EVIL}).headers
    yaml = (nginx.home / "nacre.yaml").read_text()
    nginx.write_yaml(yaml.replace(OTHER, EVIL))
    nginx.reload()
    assert nginx.api.get("/notes", headers={"Origin": EVIL}).headers["Access-Control-Allow-Origin"] == EVIL
    assert "Access-Control-Allow-Origin" not in nginx.api.get("/notes", headers={"Origin": OTHER}).headers


def test_preflights_are_counted_under_their_route(start):
    nginx = start(YAML)
    preflight(nginx.api, "/notes/n1", "PUT")
    (line,) = nginx.logged("/notes/n1")
    assert line["status"] == 204 and line["route"] == "notes.options"


def test_a_preflight_that_limit_req_delays_is_answered(start):
    nginx = start(
        YAML,
        http="limit_req_zone $binary_remote_addr zone=some:1m rate=10r/s;",
        server="location / { limit_req zone=some burst=20; nacre api; }",
    )
    asked = [("origin", APP), ("access-control-request-method", "PUT")]
    with http2.Connection(nginx.h2_port) as connection:
        streams = [connection.begin("OPTIONS", "/notes/n1", asked) for _ in range(4)]
        for stream in streams:
            status, headers, body = connection.finish(stream)
            assert status == 204 and headers["access-control-allow-origin"] == APP and body == b""
    for _ in range(2):
        assert preflight(nginx.api, "/notes/n1", "PUT").headers["Access-Control-Allow-Origin"] == APP
    assert nginx.api.get("/notes", headers={"Origin": APP}).status_code == 200


def test_limit_req_leaves_preflights_out_by_an_empty_key(start):
    nginx = start(
        YAML,
        http='map $request_method $who { default $binary_remote_addr; OPTIONS ""; }'
        "limit_req_zone $who zone=some:1m rate=1r/m; limit_req_status 429;",
        server="location / { limit_req zone=some; nacre api; }",
    )
    assert [preflight(nginx.api, "/notes/n1", "PUT").status_code for _ in range(3)] == [204] * 3
    assert [nginx.api.get("/notes").status_code for _ in range(2)] == [200, 429]


def test_a_preflight_with_a_body_leaves_the_connection_in_order(start):
    nginx = start(YAML)
    asked = [("Origin", APP), ("Access-Control-Request-Method", "PUT")]
    with raw.connect(nginx.port) as connection:
        for _ in range(2):
            status, lines = lines_of(connection, "OPTIONS", "/notes/n1", asked, b'{"title":"x"}')
            assert status == 204 and values(lines, "access-control-allow-origin") == [APP]
        status, lines = lines_of(connection, "GET", "/notes", [("Origin", APP)])
        assert status == 200 and values(lines, "access-control-allow-origin") == [APP]
