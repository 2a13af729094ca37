"""Headers that nginx and its modules set beside Nacre: the answer of a Nacre location is, line by line, that of a `proxy_pass`
to one."""

import json

import lines
import pytest
from harness import free_port, modules_path, wait_until

GZIP = "gzip on; gzip_types *; gzip_vary on; gzip_min_length 1;"

DIRECTIVES = {
    "none": "",
    "expires": "expires 1h;",
    "expires-past": "expires -1;",
    "expires-epoch": "expires epoch;",
    "expires-max": "expires max;",
    "expires-modified": "expires modified +24h;",
    "expires-daily": "expires @15h30m;",
    "expires-variable": "expires $arg_nothing;",
    "add-header": "add_header X-Frame-Options DENY; add_header X-Always yes always;",
    "cache-control": 'add_header Cache-Control "no-transform";',
    "cache-control-always": 'add_header Cache-Control "no-transform" always; expires 1h;',
    "no-etag": 'add_header ETag "" always;',
    "no-last-modified": 'add_header Last-Modified "" always;',
    "last-modified": 'add_header Last-Modified "Mon, 28 Sep 1970 06:00:00 GMT";',
    "link": 'add_header Link "</style.css>; rel=preload; as=style";',
    "vary": "add_header Vary Origin always;",
    "location": "add_header Location /elsewhere;",
    "trailer": "add_trailer X-End yes;",
    "clear-cache-control": "more_clear_headers Cache-Control;",
    "clear-validators": "more_clear_headers ETag Last-Modified;",
    "clear-location": "more_clear_headers Location Link;",
    "clear-all-x": "more_clear_headers 'X-*';",
    "clear-type": "more_clear_headers Content-Type;",
    "set-cache-control": 'more_set_headers "Cache-Control: public, max-age=5";',
    "set-and-expires": 'expires 1h; more_set_headers "Cache-Control: public, max-age=5";',
    "set-etag": """more_set_headers 'ETag: "mine"';""",
    "set-type": 'more_set_headers "Content-Type: text/plain";',
    "set-server": 'more_set_headers "Server: mine" "Date: today";',
    "set-on-404": """more_set_headers -s 404 "Cache-Control: max-age=1" "Content-Type: text/plain";""",
    "set-request-id": 'more_set_headers "X-Request-Id: mine";',
    "gzip": GZIP,
    "gzip-expires": GZIP + "expires 1h;",
    "gzip-own-vary": GZIP + "add_header Vary Accept-Encoding;",
    "charset": "charset utf-8; charset_types *;",
    "charset-override": "charset utf-8; charset_types *; override_charset on;",
    "charset-gzip": "charset utf-8; charset_types application/json application/problem+json;" + GZIP,
    "sub-filter": "sub_filter items things; sub_filter title name; sub_filter_types *; sub_filter_once off;",
    "sub-filter-gzip": "sub_filter title name; sub_filter_types *;" + GZIP,
    "ssi": "ssi on; ssi_types *;",
    "no-chunks": "chunked_transfer_encoding off;" + GZIP,
    "tokens": "server_tokens off; keepalive_timeout 0;",
    "redirects": "absolute_redirect on; server_name_in_redirect on; port_in_redirect off;",
    "etag-off": "etag off; if_modified_since off;",
    "max-ranges": "max_ranges 0;",
}

DOCUMENT = json.dumps({"_id": "one", "title": "a title " * 20}).encode()
ACCEPTS_GZIP = ("Accept-Encoding", "gzip")

# Date, what differs for each request by its nature, and how long ago it was cached.
VARIABLE = {"date", "x-request-id", "age", "cache-status"}


class Pair:
    """Three servers in one nginx: with Nacre and a directive, with proxy_pass and the directive, and what that is passed to."""

    def __init__(self, make_nginx):
        self.behind, self.proxied = free_port(), free_port()
        with_nacre = "".join(f"location /{name}/ {{ nacre api; {text} }}" for name, text in DIRECTIVES.items())
        with_proxy = "".join(
            f"location /{name}/ {{ proxy_pass http://127.0.0.1:{self.behind}; proxy_redirect off; {text} }}"
            for name, text in DIRECTIVES.items()
        )
        plain = "".join(f"location /{name}/ {{ nacre api; }}" for name in DIRECTIVES)
        self.nginx = make_nginx(
            main=f"load_module {modules_path()}/ngx_http_headers_more_filter_module.so;",
            http=f"""
                server {{ listen 127.0.0.1:{self.behind}; {plain} }}
                server {{ listen 127.0.0.1:{self.proxied}; {with_proxy} }}
                client_max_body_size 1k;""",
            server=with_nacre,
        ).start()
        answer = lines.fetch(self.nginx.port, "POST", "/none/notes", body=DOCUMENT)
        assert answer.status == 201
        for _ in range(2):  # cached: hits in all three
            answers = self.fetch_both("GET", "/none/notes/one")
        self.etag = answers[0].one("ETag")
        for path in ("/notes/one", "/notes?limit=1", "/notes/none"):
            self.fetch_both("GET", "/none" + path)

    def fetch_both(self, *request, **options):
        """The answers of one second, since `expires` counts from now."""

        def fetched():
            both = [lines.fetch(port, *request, **options) for port in (self.nginx.port, self.proxied)]
            return both if both[0].one("Date") == both[1].one("Date") else None

        return wait_until(fetched, "both answers in one second")


@pytest.fixture(scope="module")
def pair(make_nginx):
    pair = Pair(make_nginx)
    yield pair
    pair.nginx.stop()


def constant(answer):
    return sorted((name.lower(), value) for name, value in answer.lines if name.lower() not in VARIABLE)


def assert_same(nacre, proxied, unlike=()):
    assert nacre.status == proxied.status

    def alike(answer):
        return [line for line in constant(answer) if line[0] not in unlike]

    assert alike(nacre) == alike(proxied)
    for name in VARIABLE - {"date", "age"}:
        assert len(nacre.all(name)) == len(proxied.all(name)), name
    assert len(nacre.all("Age")) == len(proxied.all("Age"))


REQUESTS = {
    "a document": ("GET", "/notes/one", []),
    "a document, compressed": ("GET", "/notes/one", [ACCEPTS_GZIP]),
    "its header": ("HEAD", "/notes/one", []),
    "its header, compressed": ("HEAD", "/notes/one", [ACCEPTS_GZIP]),
    "a list": ("GET", "/notes?limit=1", []),
    "a list, compressed": ("GET", "/notes?limit=1", [ACCEPTS_GZIP]),
    "nothing": ("GET", "/notes/none", []),
    "nothing, compressed": ("GET", "/notes/none", [ACCEPTS_GZIP]),
    "a method that is not allowed": ("DELETE", "/notes", []),
    "a bad parameter": ("GET", "/notes?limit=x", []),
    "its methods": ("OPTIONS", "/notes", []),
}


@pytest.mark.parametrize("directive", DIRECTIVES)
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_a_nacre_location_answers_line_by_line_as_one_behind_proxy_pass(pair, directive, request_):
    method, path, headers = request_
    nacre, proxied = pair.fetch_both(method, f"/{directive}{path}", headers=headers)
    # nginx takes the type from a 204, but not where it passes on another server's status line.
    assert_same(nacre, proxied, unlike={"content-type"} if nacre.status == 204 else ())
    assert nacre.body == proxied.body or ("instance" in nacre.body.decode(errors="replace") or headers)


@pytest.mark.parametrize("directive", DIRECTIVES)
def test_so_it_does_when_nothing_was_modified(pair, directive):
    nacre, proxied = pair.fetch_both("GET", f"/{directive}/notes/one", headers=[("If-None-Match", pair.etag)])
    assert nacre.status == 304 and nacre.body == b""
    # nginx's own 304 leaves out what its 200 varies by.
    assert_same(nacre, proxied, unlike={"vary"} if GZIP in DIRECTIVES[directive] else ())


@pytest.mark.parametrize("directive", DIRECTIVES)
def test_so_it_does_for_what_was_created(pair, directive):
    document = json.dumps({"title": "new"}).encode()
    nacre, proxied = pair.fetch_both("POST", f"/{directive}/notes", body=document)
    assert nacre.status == 201
    assert_same(nacre, proxied, unlike={"location", "etag", "last-modified"})
    assert len(nacre.all("Location")) == len(proxied.all("Location"))


@pytest.fixture(scope="module")
def zipped(make_nginx):
    nginx = make_nginx(http=GZIP).start()
    yield nginx
    nginx.stop()


def test_with_gzip_a_weak_tag_of_its_own_is_taken(zipped):
    created = lines.fetch(zipped.port, "POST", "/notes", body=DOCUMENT)
    assert created.status == 201
    read = lines.fetch(zipped.port, "GET", "/notes/one", [ACCEPTS_GZIP])
    assert read.one("Content-Encoding") == "gzip" and read.one("Vary") == "Accept-Encoding"
    assert read.one("ETag") == "W/" + created.one("ETag")
    assert lines.fetch(zipped.port, "GET", "/notes/one", [("If-None-Match", read.one("ETag")), ACCEPTS_GZIP]).status == 304


@pytest.mark.parametrize("path", ["/notes/one", "/notes?limit=1"])
def test_with_gzip_a_304_varies_by_what_the_200_does(zipped, path):
    assert lines.fetch(zipped.port, "POST", "/notes", body=DOCUMENT).status in (201, 409)
    read = lines.fetch(zipped.port, "GET", path, [ACCEPTS_GZIP])
    for headers in ([ACCEPTS_GZIP], []):
        again = lines.fetch(zipped.port, "GET", path, [("If-None-Match", read.one("ETag")), *headers])
        assert again.status == 304 and again.all("Vary") == read.all("Vary") == ["Accept-Encoding"]


def test_without_gzip_vary_neither_varies(start):
    nginx = start(http="gzip on; gzip_types *; gzip_min_length 1;")
    etag = lines.fetch(nginx.port, "POST", "/notes", body=DOCUMENT).one("ETag")
    for headers in ([], [("If-None-Match", etag)]):
        assert not lines.fetch(nginx.port, "GET", "/notes/one", [ACCEPTS_GZIP, *headers]).all("Vary")


def test_with_gzip_the_vary_of_nacre_stays(zipped):
    refused = lines.fetch(zipped.port, "GET", "/members", [ACCEPTS_GZIP])
    assert refused.status == 401
    fields = [field.strip().lower() for line in refused.all("Vary") for field in line.split(",")]
    assert "authorization" in fields and len(fields) == len(set(fields))
