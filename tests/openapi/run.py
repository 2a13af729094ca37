"""Usage: run.py BUILD NGINX          (make test-openapi)

Judges the OpenAPI document of several configurations by its own schema, and holds a real nginx to it with schemathesis:
requests that it calls valid are answered, others are refused, and every answer is one that it describes.
The last line is `N passed, N failed`.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

from openapi_spec_validator import OpenAPIV31SpecValidator

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "integration"))

from harness import Nginx  # noqa: E402

# The coverage phase tries each part of each parameter: `where`, which refers to itself, has no end of them.
COVERAGE = {"LEAVE_OUT": "where", "phases": "examples,coverage", "examples": "20"}
# OPTIONS, which says what a path allows, answers for a document that was deleted as well.
RANDOM = {"LEAVE_OUT": "", "phases": "fuzzing,stateful", "examples": "15", "but": ("--exclude-method", "OPTIONS")}
FEW = {"LEAVE_OUT": "", "phases": "fuzzing", "examples": "5"}
TIME = 150  # seconds that one run may take


def example():
    return (ROOT / "conf/nacre.yaml").read_text()


def configuration(name):
    return (HERE / "conf" / f"{name}.yaml").read_text()


def served(yaml, build, nginx, folder, **conf):
    return Nginx(nginx, build / "ngx_http_nacre_module.so", pathlib.Path(folder), yaml, **conf)


def judge_document(server, name):
    document = server.api.get("/openapi.json")
    assert document.status_code == 200, document.text
    errors = [
        f"{'/'.join(map(str, error.path))}: {error.message}" for error in OpenAPIV31SpecValidator(document.json()).iter_errors()
    ]
    for error in errors[:10]:
        print(f"{name}: {error[:500]}")
    print(f"{name}: the document is {'wrong' if errors else 'right'}")
    return int(not errors), len(errors)


def hold_to_document(server, name, run):
    command = [
        pathlib.Path(sys.executable).with_name("st"),
        *("--config-file", HERE / "schemathesis.toml", "run", server.url + "/openapi.json", "--no-color"),
        *("--checks", "all", "--phases", run["phases"], "--max-examples", run["examples"], "--seed", "1"),
        *("--generation-database", "none", "--continue-on-failure", "--request-timeout", "10", *run.get("but", ())),
    ]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE), "LEAVE_OUT": run["LEAVE_OUT"]}
    done = subprocess.run(
        command, env=environment, cwd=server.home, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIME
    )
    cases = re.search(r"(\d+) generated(?:, (\d+) found)?(?:.* (\d+) unique failure)?", done.stdout)
    passed = int(cases.group(1)) - int(cases.group(2) or 0) if cases else 0
    failed = int(cases.group(3) or 0) if cases else 0
    if done.returncode != 0 or not passed:
        print(done.stdout)
        failed = max(failed, 1)
    print(f"{name}: {run['phases']}: {passed} requests as the document says, {failed} not")
    return passed, failed


def main(build, nginx):
    below = {"server": "location /v1/ { nacre api; } location = /openapi.json { nacre openapi; }"}
    passed = failed = 0
    for name, yaml, conf, runs in [
        ("example", example(), {}, [COVERAGE, RANDOM]),
        ("every keyword", configuration("features"), {}, [COVERAGE, FEW]),
        ("below /v1/", example(), below, []),
        ("odd schemas", configuration("odd"), {}, []),
        ("nobody", configuration("nobody"), {}, []),
    ]:
        with tempfile.TemporaryDirectory() as folder:
            server = served(yaml.replace("${NACRE_DATA:-data}", folder), build, nginx, folder, **conf)
            try:
                server.start()
            except AssertionError as error:
                print(f"{name}: {error}")
                failed += 1
                continue
            for judge, *arguments in [(judge_document,), *((hold_to_document, run) for run in runs)]:
                try:
                    p, f = judge(server, name, *arguments)
                except (AssertionError, subprocess.TimeoutExpired) as error:
                    print(f"{name}: {error}")
                    p, f = 0, 1
                passed, failed = passed + p, failed + f
            server.stop()
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2]))
