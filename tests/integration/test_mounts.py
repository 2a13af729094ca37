"""Where a Nacre location stands: under a prefix, a regular expression, a name, behind rewrites. The links of an answer lead
back to where the client asked."""

import http2
import lines
import pytest
from harness import free_port

# What the client asks for "/notes" by, and the location that it comes to.
PLACES = {
    "/plain": "location /plain/ { nacre api; }",
    "/no-slash": "location /no-slash { nacre api; }",
    "/before-regex": "location ^~ /before-regex/ { nacre api; }",
    "/given/deep": "location /given/ { nacre api /given/deep; }",
    "/given-slash": "location /given-slash/ { nacre api /given-slash/; }",
    "/regex-a": "location ~ ^/regex-(a|b)/ { nacre api /regex-a; }",
    "/ReGeX-case": "location ~* ^/regex-case/ { nacre api /ReGeX-case; }",
    "/around": "location /around/ { nacre api; location ~ ^/around/n { nacre api; } }",
    "/around-regex": "location ~ ^/around-regex/ { nacre api /around-regex; location ~ notes { nacre api; } }",
    "/tried": "location /tried/ { try_files /none @given; } location @given { nacre api /tried; }",
    "/tried-cut": """location /tried-cut/ { try_files /none @cut; }
        location @cut { rewrite ^/tried-cut(/.*)$ $1 break; nacre api; }""",
    "/tried-last": "location /tried-last/ { rewrite ^/tried-last/(.*)$ /moved/$1 last; } location /moved/ { nacre api; }",
    "/root-last": "location /root-last/ { rewrite ^/root-last/(.*)$ /$1 last; }",
    "/cut": "location /cut/ { rewrite ^/cut(/.*)$ $1 break; nacre api; }",
    "/cut-regex": "location ~ ^/cut-(regex|other)/ { rewrite ^/cut-[^/]+(/.*)$ $1 break; nacre api /; }",
    "/cut-other": "",
    "/tenants/42": "location /tenants/ { rewrite ^/tenants/[0-9]+(/.*)$ $1 break; nacre api; }",
    "/missed": "location /missed/ { error_page 404 405 = @missed; try_files /none =404; } "
    "location @missed { rewrite ^/missed(/.*)$ $1 break; nacre api; }",
    "/accel": "location /accel/ { rewrite ^/accel(/.*)$ $1; }",
    "/if": "location /if/ { if ($arg_x) { set $x 1; } nacre api; }",
    "/excepted": "location /excepted/ { limit_except GET POST { deny all; } nacre api; }",
    "/sp%20ace": "location '/sp ace/' { nacre api; }",
    "/%C3%A4": "location /\xe4/ { nacre api; }",
    "/cut%20sp": "location '/cut sp/' { rewrite '^/cut sp(/.*)$' $1 break; nacre api; }",
    "/q%3Fm%23%25": "location '/q?m#%/' { nacre api; }",
}


class Mounted:
    def __init__(self, make_nginx):
        self.proxy = free_port()
        self.nginx = make_nginx(
            http=f"""
                server {{
                    listen 127.0.0.1:{self.proxy};
                    location / {{ proxy_pass http://127.0.0.1:PORT; }}
                    location /front/ {{ proxy_pass http://127.0.0.1:PORT/plain/; proxy_redirect /plain/ /front/; }}
                }}""",
            server="location / { nacre api; } location = / { nacre api; }" + "".join(PLACES.values()),
        )
        conf = self.nginx.home / "nginx.conf"
        conf.write_text(conf.read_text().replace("PORT", str(self.nginx.port)))
        self.nginx.start()
        self.nginx.tolerate(r"\[error\]")


@pytest.fixture(scope="module")
def mounted(make_nginx):
    mounted = Mounted(make_nginx)
    yield mounted
    mounted.nginx.stop()


def link_of(answer):
    link = answer.one("Link")
    assert link.startswith("<") and link.endswith('>; rel="next"')
    return link[1 : link.index(">")]


def assert_links_lead_back(port, prefix):
    created = lines.fetch(port, "POST", prefix + "/notes", body=b'{"title":"x"}')
    assert created.status == 201, created.body
    location = created.one("Location")
    assert location.rsplit("/", 1)[0] == prefix + "/notes"
    assert lines.fetch(port, "GET", location).body == created.body
    lines.fetch(port, "POST", prefix + "/notes", body=b'{"title":"y"}')
    page = lines.fetch(port, "GET", prefix + "/notes?limit=1")
    assert page.status == 200
    link = link_of(page)
    assert link.startswith(prefix + "/notes?")
    assert lines.fetch(port, "GET", link).status == 200


@pytest.mark.parametrize("prefix", PLACES)
def test_links_lead_back(mounted, prefix):
    assert_links_lead_back(mounted.nginx.port, prefix)


@pytest.mark.parametrize("prefix", ["/plain", "/tried-cut", "/cut", "/tenants/42", "/front"])
def test_links_lead_back_over_a_proxy(mounted, prefix):
    port = mounted.proxy
    if prefix == "/front":  # proxy_redirect has no hand in Link
        created = lines.fetch(port, "POST", "/front/notes", body=b'{"title":"x"}')
        assert created.one("Location").startswith(f"http://127.0.0.1:{port}/front/notes/")
        return
    assert_links_lead_back(port, prefix)


@pytest.mark.parametrize("prefix", ["/plain", "/tried-cut", "/cut", "/regex-a"])
def test_links_lead_back_over_http2(mounted, prefix):
    with http2.Connection(mounted.nginx.h2_port) as connection:
        status, headers, _ = connection.request("POST", prefix + "/notes", b'{"title":"x"}')
        assert status == 201 and headers["location"].startswith(prefix + "/notes/")


def test_a_location_serves_what_is_below_its_prefix_alone(mounted):
    port = mounted.nginx.port
    for path in ("/regex-b/notes", "/given/notes", "/given/deeper/notes", "/given/deep", "/no-slashes/notes", "/regex-a"):
        assert lines.fetch(port, "GET", path).status == 404, path


@pytest.mark.parametrize(
    "target, prefix",
    [
        ("/cut//notes", "/cut"),
        ("/x/../cut/notes", "/cut"),
        ("/%63ut/notes", "/cut"),
        ("/cut/n%6Ftes", "/cut"),
        ("/cut%2Fnotes", "/cut"),
        ("//cut/notes", "/cut"),
        ("http://elsewhere.example/cut/notes", "/cut"),
    ],
)
def test_a_client_s_spelling_of_a_path_makes_no_other_link(mounted, target, prefix):
    answer = lines.fetch(mounted.nginx.port, "GET", target + "?limit=1")
    assert answer.status == 200
    assert link_of(answer).startswith(prefix + "/notes?")


@pytest.fixture(scope="module")
def careless(make_nginx):
    """Takes whatever stands before /notes."""
    nginx = make_nginx(server="merge_slashes off; location / { rewrite (?s)^.*(/notes.*)$ $1 break; nacre api; }").start()
    for title in (b"x", b"y"):
        lines.fetch(nginx.port, "POST", "/notes", body=b'{"title":"' + title + b'"}')
    yield nginx
    nginx.stop()


@pytest.mark.parametrize(
    "target, prefix",
    [
        ("/a/notes", "/a"),
        ("/a//b/notes", "/a//b"),
        ("//evil.example/notes", "/evil.example"),
        ("///evil.example/notes", "/evil.example"),
        ("/%2Fevil.example/notes", "/evil.example"),
        ("/%5Cevil.example/notes", "/%5Cevil.example"),
        ("/a%0D%0ASet-Cookie:%20x=1/notes", "/a%0D%0ASet-Cookie:%20x=1"),
        ('/a%3E%3B%20rel="x"/notes', "/a%3E;%20rel=%22x%22"),
        ("/%FF/notes", "/%FF"),
        ("//notes", ""),
    ],
)
def test_nothing_of_a_client_s_path_ends_a_header(careless, target, prefix):
    page = lines.fetch(careless.port, "GET", target + "?limit=1")
    assert page.status == 200
    assert link_of(page).startswith(prefix + "/notes?") and not page.all("Set-Cookie")
    created = lines.fetch(careless.port, "POST", target, body=b'{"title":"z"}')
    assert created.status == 201
    assert created.one("Location") == f"{prefix}/notes/{created.one('Location').rsplit('/', 1)[1]}"


def test_a_rewrite_that_replaces_the_path_leaves_the_location_s_prefix(start):
    nginx = start(server="location /v1/ { nacre api; } location /short { rewrite ^/short$ /v1/notes last; }")
    created = lines.fetch(nginx.port, "POST", "/short", body=b'{"title":"x"}')
    assert created.one("Location").startswith("/v1/notes/")
    assert lines.fetch(nginx.port, "GET", created.one("Location")).status == 200


def test_what_stands_inside_a_regular_expression_has_its_prefix(start):
    nginx = start(server="location ~ ^/in/ { if ($http_x) { set $x 1; } limit_except GET POST { deny all; } nacre api /in; }")
    for headers in ([], [("X", "1")]):
        created = lines.fetch(nginx.port, "POST", "/in/notes", headers, b'{"title":"x"}')
        assert created.status == 201 and created.one("Location").startswith("/in/notes/")
        assert lines.fetch(nginx.port, "GET", created.one("Location"), headers).body == created.body
        refused = lines.fetch(nginx.port, "DELETE", created.one("Location"), headers)
        assert refused.status == 403 and refused.one("Content-Type") == "application/problem+json"


@pytest.mark.parametrize(
    "location, mentions",
    [
        ("location ~ ^/(a|b)/ { nacre api; }", "nacre api /v1;"),
        ("location ~* ^/a/ { if ($arg_x) { set $x 1; } nacre api; }", "regular expression"),
        ("location ~ ^/a/ { nacre live; location ~ n { nacre api; } }", "nacre api /v1;"),
        ("location ~ ^/a/ { nacre api a; }", "slash"),
        ("location ~ ^/(a|b)/ { nacre api /$1; }", "variables"),
        ("location ~ ^/a/ { nacre api /a /b; }", "number of arguments"),
        ("location /a/ { nacre live /a; }", "prefix"),
        ("location /a/ { nacre api; proxy_pass http://127.0.0.1:1; }", "proxy_pass"),
        ("location /a/ { nacre api /a?b; }", "plain path"),
        ("location /a/ { nacre api //a; }", "plain path"),
    ],
)
def test_a_prefix_that_is_none_fails_nginx_t_in_one_line(make_nginx, location, mentions):
    nginx = make_nginx(server=location)
    code, output = nginx.test()
    wrong = [line for line in output.splitlines() if "[emerg]" in line]
    assert code != 0 and len(wrong) == 1 and mentions in wrong[0], output
    assert f"in {nginx.home}/nginx.conf:" in wrong[0]


def test_a_regular_expression_needs_no_prefix_for_the_other_modes(start):
    nginx = start(server=r"location ~ ^/(live|alive)$ { nacre live; } location ~ metrics { nacre metrics; }")
    assert lines.fetch(nginx.port, "GET", "/alive").status == 200
    assert lines.fetch(nginx.port, "GET", "/x/metrics").status == 200
