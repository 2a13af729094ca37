"""Configurations as they are found in the world, with Nacre in them."""

import lines
import pytest
import raw
from assertions import assert_problem
from harness import free_port

JSON_ERROR = '{"error":"mine"}'


@pytest.fixture
def home(start):
    """Starts an nginx with files beside its configuration; `server` may name them relative to it."""

    def start_one(server, files=(), **conf):
        nginx = start(server=server, **conf)
        nginx.tolerate(r"\[error\]")
        for name, text in dict(files).items():
            file = nginx.home / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        return nginx

    return start_one


def test_a_single_page_application_beside_its_api(home):
    nginx = home(
        """
        root site;
        location / { try_files $uri $uri/ /index.html; }
        location /api/ { rewrite ^/api/(.*)$ /$1 break; nacre api; }
        location ~* \\.(js|css|png)$ { expires 30d; add_header Cache-Control "public, immutable"; try_files $uri =404; }""",
        {"site/index.html": "<h1>app</h1>"},
    )
    assert nginx.api.get("/some/page").text == "<h1>app</h1>"
    assert_problem(nginx.api.get("/app.js"), 404)
    assert_problem(nginx.api.get("/api/none"), 404)
    created = nginx.api.post("/api/notes", json={"title": "x"})
    assert created.headers["Location"] == f"/api/notes/{created.json()['_id']}"
    assert nginx.api.get(created.headers["Location"]).json() == created.json()


def test_the_error_pages_of_the_default_configuration(home):
    server = """
        location / { nacre api; }
        location /away { proxy_pass http://127.0.0.1:%d; }
        error_page 500 502 503 504 /50x.html;
        location = /50x.html { root html; }"""
    present = home(server % free_port(), {"html/50x.html": "<h1>An error occurred.</h1>"})
    answer = present.api.get("/away")
    assert answer.status_code == 502 and answer.text == "<h1>An error occurred.</h1>"
    absent = home(server % free_port())
    # The page that is missing is another error, which is how nginx has it.
    assert_problem(absent.api.get("/away"), 404)
    assert_problem(absent.api.get("/none"), 404)


def test_maintenance(home):
    server = """
        if (-f maintenance) { return 503; }
        location / { nacre api; }"""
    plain = home(server.replace("maintenance", "/proc/self/status"))
    assert_problem(plain.api.get("/notes"), 503)
    page = home(
        server.replace("maintenance", "/proc/self/status")
        + "error_page 503 @maintenance; location @maintenance { root site; rewrite ^ /soon.html break; }",
        {"site/soon.html": "soon"},
    )
    answer = page.api.get("/notes")
    assert answer.status_code == 503 and answer.text == "soon" and answer.headers["X-Request-Id"]


def test_a_login_by_auth_request(home):
    nginx = home(
        """
        location /app/ { auth_request /permit; error_page 401 = @login; nacre api /app; }
        location /raw/ { auth_request /permit; nacre api; }
        location = /permit { internal; rewrite ^ /members break; nacre api; }
        location @login { return 302 /login?next=$request_uri; }"""
    )
    answer = nginx.api.get("/app/notes", allow_redirects=False)
    assert answer.status_code == 302 and answer.headers["Location"].endswith("/login?next=/app/notes")
    refused = lines.fetch(nginx.port, "GET", "/raw/notes")
    assert refused.status == 401 and refused.one("Content-Type") == "application/problem+json"
    assert refused.one("WWW-Authenticate").startswith("Bearer") and refused.one("X-Request-Id").encode() in refused.body


def test_address_or_password(home):
    nginx = home(
        """
        satisfy any; deny all; auth_basic closed; auth_basic_user_file users;
        location / { nacre api; }
        location /open/ { satisfy all; allow all; auth_basic off; nacre api; }
        location /reading/ { allow all; auth_basic off; nacre api;
            limit_except GET HEAD { deny all; auth_basic writers; auth_basic_user_file users; } }""",
        {"users": "me:{PLAIN}secret\n"},
    )
    refused = nginx.api.get("/notes")
    assert_problem(refused, 401)
    assert refused.headers["WWW-Authenticate"] == 'Basic realm="closed"'
    assert nginx.api.get("/notes", auth=("me", "secret")).status_code == 200
    assert nginx.api.get("/open/notes").status_code == 200
    assert nginx.api.get("/reading/notes").status_code == 200
    assert_problem(nginx.api.post("/reading/notes", json={"title": "x"}), 401)
    created = nginx.api.post("/reading/notes", json={"title": "x"}, auth=("me", "secret"))
    assert created.status_code == 201 and created.headers["Location"].startswith("/reading/notes/")


def test_headers_of_security_on_all_answers(home):
    nginx = home(
        """
        add_header X-Request-Id $request_id always;
        add_header Strict-Transport-Security max-age=31536000 always;
        add_header Retry-After 30 always;
        add_header Cache-Control "no-store, private" always;
        location / { nacre api; }
        location /own { return 429; }
        location /gone { return 410; }"""
    )
    for path in ("/own", "/gone"):
        answer = lines.fetch(nginx.port, "GET", path)
        assert answer.one("X-Request-Id") and answer.one("Strict-Transport-Security")
        assert answer.one("Retry-After") == "30" and answer.one("Cache-Control") == "no-store, private"
        assert answer.one("Content-Type") == "application/problem+json"
    for path in ("/notes", "/none"):
        answer = lines.fetch(nginx.port, "GET", path)
        assert answer.one("X-Request-Id") and answer.one("Strict-Transport-Security")


def test_errors_that_are_json_already(home):
    nginx = home(
        """
        default_type application/json;
        location / { client_max_body_size 10; limit_req zone=few; nacre api; }
        error_page 413 @413; location @413 { return 413 '%s'; }
        error_page 429 = @429; location @429 { add_header Retry-After 30 always; return 429 '%s'; }
        error_page 404 /404.json; location = /404.json { internal; return 404 '%s'; }
        location /static/ { }"""
        % ((JSON_ERROR,) * 3),
        http="limit_req_zone $binary_remote_addr zone=few:1m rate=1r/m; limit_req_status 429;",
    )
    large = nginx.api.post("/notes", json={"title": "x" * 20})
    assert large.status_code == 413 and large.text == JSON_ERROR
    assert nginx.api.get("/notes").status_code == 200
    often = lines.fetch(nginx.port, "GET", "/notes")
    assert often.status == 429 and often.body.decode() == JSON_ERROR and often.one("Retry-After") == "30"
    missing = nginx.api.get("/static/x")
    assert missing.status_code == 404 and missing.text == JSON_ERROR


def test_a_front_that_intercepts(home):
    back, front = free_port(), free_port()
    nginx = home(
        "location / { nacre live; }",
        {"site/404.html": "not here"},
        http=f"""
            server {{ listen 127.0.0.1:{back}; location / {{ nacre api; }} }}
            server {{
                listen 127.0.0.1:{front};
                proxy_intercept_errors on;
                error_page 404 /404.html; location = /404.html {{ root site; internal; }}
                error_page 405 = @405; location @405 {{ return 405 "intercepted"; }}
                location / {{ proxy_pass http://127.0.0.1:{back}; }}
            }}""",
    )
    missing = lines.fetch(front, "GET", "/none")
    assert missing.status == 404 and missing.body == b"not here"
    refused = lines.fetch(front, "DELETE", "/notes")
    assert refused.status == 405 and refused.body == b"intercepted"
    assert lines.fetch(front, "GET", "/notes?limit=x").one("Content-Type") == "application/problem+json"
    assert nginx.api.get("/").status_code == 200


def test_redirects_and_closed_connections(home):
    nginx = home(
        """
        location / { rewrite ^/(.+)/$ /$1 permanent; nacre api; }
        location /old { return 301 https://$host$request_uri; }
        location /closed { return 444; }
        location /no-js { if ($request_method = OPTIONS) { add_header Access-Control-Allow-Origin *; return 204; } nacre live; }
        location /methods/ { if ($request_method !~ ^(GET|HEAD|POST)$) { return 405; } nacre api; }"""
    )
    moved = nginx.api.get("/notes/", allow_redirects=False)
    assert moved.status_code == 301 and moved.headers["Location"].endswith("/notes")
    assert "problem" not in moved.headers["Content-Type"] and moved.headers["X-Request-Id"]
    assert nginx.api.get("/old", allow_redirects=False).status_code == 301
    with raw.connect(nginx.port) as connection:
        connection.sendall(raw.request("GET", "/closed"))
        assert connection.read_to_end() == b""
    preflight = nginx.api.options("/no-js")
    assert preflight.status_code == 204 and preflight.headers["Access-Control-Allow-Origin"] == "*"
    refused = nginx.api.put("/methods/notes", json={})
    assert refused.status_code == 405 and refused.json()["status"] == 405


def test_files_that_are_written_by_webdav(home):
    nginx = home("location /dav/ { root .; dav_methods PUT DELETE; } location / { nacre api; }")
    assert_problem(nginx.api.delete("/dav/none"), 404)
    answer = nginx.api.put("/dav/missing/x", data=b"x")
    assert answer.status_code in (409, 500) and answer.json()["status"] == answer.status_code


def test_http_on_the_port_of_https(home, certificates):
    port = free_port()
    names = certificates.server
    nginx = home(
        "location / { nacre api; }",
        http=f"""
            server {{
                listen 127.0.0.1:{port} ssl;
                ssl_certificate {names.certificate}; ssl_certificate_key {names.key};
                location / {{ nacre api; }}
            }}""",
    )
    with raw.connect(port) as connection:
        connection.sendall(raw.request("GET", "/notes"))
        status, headers, body = connection.read_answer()
    assert status == 400 and headers["content-type"] == "application/problem+json" and b"HTTPS only" in body
    assert headers["x-request-id"].encode() in body and nginx.api.get("/notes").status_code == 200


def test_http_0_9(home):
    nginx = home("location / { nacre api; } location /none { }")
    for path, body in (("/notes", b'{"items":'), ("/none", b'{"type":"about:blank"')):
        with raw.connect(nginx.port) as connection:
            connection.sendall(f"GET {path}\r\n".encode())
            assert connection.read_to_end().startswith(body)
