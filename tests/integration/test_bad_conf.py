"""Every configuration in tests/nginx/bad_conf is refused by `nginx -t` in one line that says where and what."""

import pathlib
import re
import subprocess

import pytest
import yamls

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "nginx" / "bad_conf"
FILES = sorted(FOLDER.glob("*.yaml"))


def test_there_are_at_least_forty():
    assert len(FILES) >= 40


@pytest.fixture(scope="module")
def nginx(make_nginx):
    return make_nginx()


def test_the_good_one_is_accepted(nginx):
    nginx.write_yaml(yamls.EXAMPLE)
    assert nginx.test()[0] == 0, nginx.test()[1]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_bad_conf(nginx, file):
    content = file.read_bytes()
    (nginx.home / "nacre.yaml").write_bytes(content)
    code, output = nginx.test()
    wrong = [line for line in output.splitlines() if "[emerg]" in line]
    assert code != 0 and len(wrong) == 1, output
    assert re.search(r"nacre\.yaml:\d+:\d+: [^;]+; .+", wrong[0]), wrong[0]
    expected = re.match(rb"# expect: (.+)", content)
    assert expected and expected[1].decode() in wrong[0], wrong[0]


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.conf")), ids=lambda file: file.stem)
def test_bad_nginx_conf(nginx, file):
    expected = re.match(r"# expect: (.+)", file.read_text())
    command = [nginx.binary, "-t", "-e", "stderr", "-p", str(FOLDER), "-c", str(file), "-g", f"load_module {nginx.module};"]
    environment = nginx.child_environment()
    environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    wrong = [line for line in done.stderr.splitlines() if "[emerg]" in line]
    assert done.returncode != 0 and "[alert]" not in done.stderr, done.stderr
    assert len(wrong) == 1 and expected[1] in wrong[0], done.stderr
