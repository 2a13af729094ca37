"""A store that the workers can't write ends the start with one line, as it does `nginx -t`."""

import os
import pathlib
import subprocess

import pytest
from harness import environment_to_judge, open_to_all

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
