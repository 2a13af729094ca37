"""What nginx.conf may say, and what a reload does."""

import re
import subprocess

import pytest
import yamls
from assertions import assert_problem, create
from harness import wait_until


@pytest.fixture
def mounted(start):
    return start(
        server="""
            location /v1/ { nacre api; }
            location /a/b/ { nacre api; }
            location = /live { nacre live; }
            location /plain { return 200 "plain"; }"""
    ).api


@pytest.mark.parametrize("mount", ["/v1", "/a/b"])
def test_the_module_works_under_a_prefix(mounted, mount):
    answer = mounted.post(mount + "/notes", json={"title": "x"})
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{mount}/notes/{answer.json()['_id']}"
    assert mounted.get(answer.headers["Location"]).json() == answer.json()
    create(mounted, mount + "/notes", {"title": "y"})
    link = mounted.get(mount + "/notes?limit=1").headers["Link"]
    path = link[link.index("/", link.index("<") + 9) if "://" in link else link.index("<") + 1 : link.index(">")]
    assert path.startswith(mount + "/notes?")
    assert mounted.get(path).status_code == 200
    assert_problem(mounted.get(mount + "/none"), 404)


def test_other_locations_are_left_alone(mounted):
    answer = mounted.get("/plain")
    assert answer.text == "plain" and answer.status_code == 200


def test_live_and_ready(server, api):
    for path in ("/live", "/ready"):
        answer = api.get(path)
        assert answer.status_code == 200, answer.text
        assert api.head(path).status_code == 200


@pytest.mark.sqlite
def test_ready_is_503_when_the_store_can_not_be_opened(start):
    yaml = yamls.EXAMPLE.replace("sqlite:nacre.db", "sqlite:folder/nacre.db")
    nginx = start(yaml)
    (nginx.home / "folder").mkdir(exist_ok=True)
    nginx.stop()
    blocked = start(yamls.EXAMPLE.replace("sqlite:nacre.db", "sqlite:/proc/nacre.db"))
    assert blocked.api.get("/live").status_code == 200
    problem = assert_problem(blocked.api.get("/ready"), 503)
    assert "store" in problem["detail"]
    assert_problem(blocked.api.get("/notes"), 503)


def test_openapi_docs_and_status(api):
    document = api.get("/openapi.json")
    assert document.status_code == 200 and "json" in document.headers["Content-Type"]
    assert document.json()["openapi"].startswith("3.") and "/notes" in document.json()["paths"]
    page = api.get("/docs")
    assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"] and "/notes" in page.text
    status = api.get("/status")
    assert status.headers["Content-Type"] == "application/json" and status.json()["version"]


@pytest.mark.parametrize(
    "conf, mentions",
    [
        ({"server": "location / { nacre nonsense; }"}, "nonsense"),
        ({"server": "location / { nacre; }"}, "nacre"),
        ({"server": "location / { nacre api live; }"}, "nacre"),
        ({"server": "location / { nacre api; nacre live; }"}, "duplicate"),
        ({"server": "nacre api;"}, "not allowed here"),
        ({"zone": "1"}, "nacre_zone"),
        ({"zone": "many"}, "nacre_zone"),
        ({"http": "nacre_zone 8m;"}, "duplicate"),
        ({"http": "nacre_config other.yaml;"}, "duplicate"),
        ({"http": "nacre_thread_pool absent;"}, "absent"),
    ],
)
def test_a_wrong_directive_fails_nginx_t_in_one_line(make_nginx, conf, mentions):
    code, output = make_nginx(**conf).test()
    wrong = [line for line in output.splitlines() if "[emerg]" in line]
    assert code != 0 and len(wrong) == 1 and mentions in wrong[0], output


def test_a_missing_configuration_fails_nginx_t(make_nginx):
    nginx = make_nginx()
    (nginx.home / "nacre.yaml").unlink()
    code, output = nginx.test()
    assert code != 0 and output.count("[emerg]") == 1 and "nacre.yaml" in output, output


def test_a_location_without_a_configuration_fails_nginx_t(make_nginx):
    nginx = make_nginx()
    conf = nginx.home / "nginx.conf"
    conf.write_text("".join(line for line in conf.read_text().splitlines(True) if "nacre_config" not in line))
    code, output = nginx.test()
    assert code != 0 and "nacre_config" in output, output


def test_a_failed_reload_leaves_the_old_configuration_serving(start):
    nginx = start()
    nginx.tolerate(r"nacre\.yaml:\d+:\d+: ")
    path = "/notes/" + create(nginx.api, "/notes", {"title": "x"})["_id"]
    workers = nginx.workers()
    nginx.write_yaml(yamls.EXAMPLE + "\nnonsense: 1\n")
    subprocess.run(nginx.command("-s", "reload"), env=nginx.child_environment(), capture_output=True)
    nginx.process.send_signal(1)
    wait_until(lambda: "nonsense" in (nginx.home / "error.log").read_text(), "the complaint in error.log")
    assert nginx.workers() == workers
    assert nginx.api.get(path).status_code == 200
    assert create(nginx.api, "/notes", {"title": "y"})


@pytest.mark.sqlite
def test_a_reload_takes_a_new_resource_in_and_keeps_the_data(start):
    nginx = start()
    created = create(nginx.api, "/notes", {"title": "x"})
    assert_problem(nginx.api.get("/added"), 404)
    nginx.write_yaml(yamls.EXAMPLE + f"  added:\n    schema: {{ type: object }}\n    access: {yamls.PUBLIC}\n")
    nginx.reload()
    assert nginx.api.get("/added").json()["items"] == []
    assert nginx.api.get("/notes/" + created["_id"]).json() == created


def test_data_outlives_a_restart(start, make_nginx):
    nginx = start()
    created = [create(nginx.api, "/notes", {"title": f"n{i}"}) for i in range(20)]
    nginx.stop()
    nginx.start()
    assert nginx.api.get("/notes?limit=100&sort=_created,_id").json()["items"] == created


def test_the_documented_configuration_works_to_the_letter(start):
    api = start(yamls.DOCUMENTED).api
    assert api.get("/notes").json() == {"items": [], "next": None}
    assert_problem(api.post("/notes", json={"title": "x"}), 401)
    assert_problem(api.delete("/notes/x"), 401)


@pytest.mark.sqlite
def test_the_environment_and_files_are_read(make_nginx, start, monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("nacre.db\n")
    yaml = yamls.EXAMPLE.replace('"sqlite:nacre.db"', f'"sqlite:${{NACRE_TEST_FOLDER}}/${{file:{tmp_path}/secret}}"')
    code, output = make_nginx(yaml).test()
    assert code != 0 and "NACRE_TEST_FOLDER" in output
    monkeypatch.setenv("NACRE_TEST_FOLDER", str(tmp_path))
    create(start(yaml).api, "/notes", {"title": "x"})
    assert (tmp_path / "nacre.db").exists()


def test_the_module_exports_what_nginx_looks_for_and_nothing_else(server):
    listed = subprocess.run(
        ["nm", "-D", "--defined-only", str(server.module)], capture_output=True, text=True, check=True
    ).stdout
    names = {line.split()[2] for line in listed.splitlines()}
    assert names == {"ngx_modules", "ngx_module_names", "ngx_module_order"}


def test_nginx_t_warns_of_what_is_not_enforced_yet(make_nginx):
    yaml = yamls.EXAMPLE.replace(
        "resources:", "auth: { registration: open }\ntracing: { otlp: 'http://collector:4318' }\nresources:"
    )
    yaml = yaml.replace("  free:\n", "  free:\n    limit: [ { rate: 9/s, for: 'role:a' }, { rate: 1/s, cost: { list: 1 } } ]\n")

    def warnings(nginx):
        code, output = nginx.test()
        assert code == 0, output
        return [line for line in output.splitlines() if "[warn]" in line and "nacre.yaml" in line]

    warned = warnings(make_nginx(yaml))
    assert len(warned) == 3, warned
    for key, line in zip(("auth", "tracing", "limit"), warned):
        assert re.search(rf"nacre\.yaml:\d+:\d+: {key} is checked, but ", line), line
    assert not warnings(make_nginx())
