"""Options and fixtures: `nginx` makes servers, `server` is one for a whole file of tests."""

import itertools
import pathlib

import pytest

import yamls
from harness import Nginx

ROOT = pathlib.Path(__file__).resolve().parents[2]


def pytest_addoption(parser):
    parser.addoption("--nginx", default="nginx", help="the nginx program")
    parser.addoption("--module", default=str(ROOT / "build/ngx_http_nacre_module.so"), help="the module to load")


@pytest.fixture(scope="session")
def make_nginx(request, tmp_path_factory):
    """Makes an Nginx that is not started yet."""
    numbers = itertools.count()

    def make(yaml=yamls.EXAMPLE, **conf):
        home = tmp_path_factory.mktemp(f"nginx{next(numbers)}")
        return Nginx(request.config.getoption("--nginx"), request.config.getoption("--module"), home, yaml, **conf)

    return make


@pytest.fixture
def start(make_nginx):
    """Starts an nginx of the test's own, and checks and stops it in the end."""
    running = []

    def start_one(yaml=yamls.EXAMPLE, **conf):
        running.append(make_nginx(yaml, **conf))
        return running[-1].start()

    yield start_one
    for nginx in running:
        nginx.stop()


@pytest.fixture(scope="module")
def server(make_nginx):
    """One nginx for all tests of a file."""
    nginx = make_nginx().start()
    yield nginx
    nginx.stop()


@pytest.fixture
def api(server):
    """An HTTP client of that nginx."""
    return server.api


@pytest.fixture
def notes(api):
    """The resource `notes`, empty."""
    while True:
        items = api.get("/notes?limit=100&fields=_id").json()["items"]
        if not items:
            return "/notes"
        for item in items:
            assert api.delete("/notes/" + item["_id"]).status_code == 204
