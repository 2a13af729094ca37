"""A store that the workers can't write ends the start with one line, as it does `nginx -t`."""

import os
import pathlib
import re
import signal
import subprocess

import pytest
from assertions import create
from harness import environment_to_judge, open_to_all, wait_until

CONF = """
load_module {module};
user nobody nogroup;
pid {folder}/nginx.pid;
error_log stderr warn;
thread_pool default threads=1;
events {{}}
http {{
    nacre_config {folder}/nacre.yaml;
    access_log off;
    server {{ listen unix:{folder}/socket; location / {{ nacre api; }} }}
}}
"""


@pytest.fixture
def judge(request, tmp_path):
    """Runs `nginx -t` with a store below a folder, and gives its exit code and lines."""
    open_to_all(tmp_path)

    def run(store):
        module = pathlib.Path(request.config.getoption("--module")).resolve()
        (tmp_path / "nginx.conf").write_text(CONF.format(module=module, folder=tmp_path))
        (tmp_path / "nacre.yaml").write_text(f'version: 1\nstore: {{ uri: "sqlite:{store}" }}\n')
        command = [request.config.getoption("--nginx"), "-t", "-q", "-p", str(tmp_path), "-c", "nginx.conf"]
        done = subprocess.run(command, env=environment_to_judge(module), capture_output=True, text=True)
        return done.returncode, [line for line in done.stderr.splitlines() if "[emerg]" in line]

    return run


def test_a_new_folder_is_made_for_the_workers(judge, tmp_path):
    code, lines = judge(tmp_path / "new" / "nacre.db")
    assert (code, lines) == (0, [])


def test_a_folder_that_they_can_not_write(judge, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir(mode=0o555)
    code, lines = judge(folder / "nacre.db")
    assert code != 0
    assert len(lines) == 1 and f'can\'t write the folder "{folder}"' in lines[0]


def test_a_folder_that_they_can_not_get_to(judge, tmp_path):
    closed = tmp_path / "closed"
    folder = closed / "data"
    folder.mkdir(parents=True)
    os.chmod(folder, 0o777)
    os.chmod(closed, 0o600)
    try:
        code, lines = judge(folder / "nacre.db")
    finally:
        os.chmod(closed, 0o700)
    assert code != 0
    assert len(lines) == 1 and "can't" in lines[0] and str(closed) in lines[0]


def test_nginx_t_changes_nothing(judge, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir(mode=0o777)
    os.chmod(folder, 0o777)
    file = folder / "nacre.db"
    file.touch()
    code, lines = judge(file)
    assert (code, lines) == (0, []) and file.stat().st_uid == os.geteuid()
    assert judge(tmp_path / "new" / "nacre.db") == (0, []) and not (tmp_path / "new").exists()


def test_a_reload_onto_a_folder_that_can_not_be_used_leaves_the_old_one_serving(start):
    nginx = start()
    create(nginx.api, "/notes", {"_id": "one", "title": "x"})
    closed = nginx.home / "closed"
    closed.touch()  # where nobody can have a folder
    kept = (nginx.home / "nacre.yaml").read_text()
    nginx.write_yaml(re.sub(r'"(sqlite|mongodb):[^"]*"', f'"sqlite:{closed}/nacre.db"', kept))
    nginx.tolerate("can't enter the folder")
    workers = nginx.workers()
    nginx.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "can't enter the folder" in nginx.log(), "the refusal")
    assert nginx.workers() == workers and nginx.api.get("/notes/one").status_code == 200
    nginx.write_yaml(kept)
    nginx.reload()
    assert nginx.api.get("/notes/one").status_code == 200
