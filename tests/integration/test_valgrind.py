"""Memory, as valgrind sees it: fibers, threads and the zone included."""

import re
import shutil
import signal
import subprocess

import pytest
import requests
import yamls
from harness import wait_until

LEAK = re.compile(r"are (definitely|possibly) lost|Invalid (read|write|free)|uninitialised value", re.I)


def records(log):
    """The errors in a log, each with its stack."""
    text = re.sub(r"==\d+== ?", "", log)
    return [record for record in text.split("\n\n") if LEAK.search(record)]


@pytest.fixture
def under_valgrind(make_nginx, request):
    assert shutil.which("valgrind"), "valgrind is not installed"
    nginx = make_nginx(yamls.EXAMPLE + "timeouts: { request: 60s, store: 60s }\n", main="master_process off;")
    log = nginx.home / "valgrind.log"
    command = ["valgrind", "--leak-check=full", "--num-callers=30", f"--log-file={log}", *nginx.command()]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    request.addfinalizer(lambda: process.poll() is None and process.kill())

    def answers():
        assert process.poll() is None, nginx.log()
        try:
            return nginx.api.get("/live").status_code == 200
        except requests.ConnectionError:
            return False

    wait_until(answers, "nginx answers", 60)
    return nginx, process, log


@pytest.mark.plain
def test_valgrind_sees_no_leak_and_no_bad_access(under_valgrind):
    nginx, process, log = under_valgrind
    api = nginx.api
    for i in range(10):
        note = api.post("/notes", json={"title": f"n{i}", "tags": ["a", "b"], "due": "2026-01-01T00:00:00+02:00"})
        assert note.status_code == 201
        path = "/notes/" + note.json()["_id"]
        assert api.get(path).status_code == api.get(path).status_code == 200
        assert api.patch(path, json={"stars": i}).status_code == 200
        assert api.get("/notes", params={"sort": "-stars,title", "limit": 3, "count": "true"}).status_code == 200
        assert api.get("/notes", params={"where": '{"tags":{"$all":["a","b"]},"stars":{"$gte":1}}'}).status_code == 200
        assert api.get("/notes", params={"where": "{"}).status_code == 400
        assert api.post("/notes", data="{", headers={"Content-Type": "application/json"}).status_code == 400
        assert api.get("/hello/valgrind").status_code == api.get("/metrics").status_code == 200
        with pytest.raises(requests.Timeout):  # a client that goes away while it waits
            api.post("/notes", json=[{"title": "x"}] * 1000, timeout=(1, 0.01))
    # A single process ends without waiting for its requests.
    wait_until(lambda: 'nacre_connections{state="active"} 1\n' in api.get("/metrics").text, "the end of all other requests")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    ours = [record for record in records(log.read_text()) if "nacre" in record]
    assert not ours, "\n\n".join(ours)
    assert not nginx.wrong_in_log(), nginx.log()
