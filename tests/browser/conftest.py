"""Headless Chromium, a server of pages, and an nginx with the module at another origin.

A page of `http://127.0.0.1:PORT` is of another origin than the API at `http://127.0.0.1:OTHER`, and of the same site, so that
cookies go along; a page of `http://localhost:PORT` is of another site.
"""

import contextlib
import functools
import http.server
import pathlib
import shutil
import threading

import pytest
from harness import Nginx
from playwright.sync_api import sync_playwright

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def pytest_addoption(parser):
    parser.addoption("--nginx", default="nginx", help="the nginx program")
    parser.addoption("--module", default=str(ROOT / "build/ngx_http_nacre_module.so"), help="the module to load")


class Pages(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serve_pages():
    """The port of a server of the files of this folder."""
    handler = functools.partial(Pages, directory=HERE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def pages():
    with serve_pages() as port:
        yield port


@pytest.fixture(scope="session")
def sibling_pages():
    """Pages of another origin of the same site: browsers keep one cache for a site."""
    with serve_pages() as port:
        yield port


@pytest.fixture(scope="session")
def chromium():
    program = shutil.which("chromium")
    assert program, "chromium is not installed; `scripts/setup browser` does"
    with sync_playwright() as playwright:
        # Its sandbox does not run as root.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium):
    """A tab of a browser that has neither cookies nor a cache yet."""
    context = chromium.new_context()
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def start(request, tmp_path):
    running = []

    def start_one(yaml, **conf):
        home = tmp_path / f"nginx{len(running)}"
        nginx = Nginx(request.config.getoption("--nginx"), request.config.getoption("--module"), home, yaml, **conf)
        running.append(nginx)
        return nginx.start()

    yield start_one
    for nginx in running:
        nginx.stop()
