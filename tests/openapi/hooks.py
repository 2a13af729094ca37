"""What schemathesis is told beside the document: the rules of requests that no schema can say, and the outcome of patches.

SCHEMATHESIS_HOOKS=hooks loads it. LEAVE_OUT names query parameters that a run does without.
"""

import itertools
import os
import re

import jsonschema_rs
import requests
import schemathesis
from schemathesis.core.parameters import ParameterLocation

import patches

LEFT_OUT = os.environ.get("LEAVE_OUT", "").split()
CURSOR = re.compile(r"[A-Za-z0-9_-]+")
KEY = re.compile(r'"?([ !#-\[\]-~]{1,255})"?')
SERVER_OWN = ["_id", "_rev", "_created", "_updated", "_owner"]

numbers = itertools.count()


@schemathesis.hook
def before_load_schema(context, raw_schema):
    for methods in raw_schema["paths"].values():
        for operation in methods.values():
            operation["parameters"] = [p for p in operation.get("parameters", []) if p.get("name") not in LEFT_OUT]


@schemathesis.hook
def before_call(context, case, kwargs):
    quote_headers(case)
    take_real_cursor(case)
    take_fresh_key(case)
    put_at_own_id(case)
    spell_numbers(case)


def quote_headers(case):
    """In its coverage phase, schemathesis makes headers of letters and digits alone, whatever their pattern is."""
    part = case.meta.components.get(ParameterLocation.HEADER) if case.meta else None
    if part is None or not part.mode.is_positive:
        return
    for name in ("If-Match", "If-None-Match"):
        value = (case.headers or {}).get(name)
        if value is not None and value.isalnum():
            case.headers[name] = f'"{value}"'


def take_real_cursor(case):
    """A cursor is one of its own query's, or there is none."""
    after = (case.query or {}).get("after")
    if not isinstance(after, str) or not CURSOR.fullmatch(after):
        return
    del case.query["after"]
    sent = requests.Request(**{name: case.as_transport_kwargs()[name] for name in ("method", "url", "params")}).prepare()
    page = requests.get(sent.url, timeout=10)
    if page.status_code == 200 and page.json()["next"]:
        case.query["after"] = page.json()["next"]


def take_fresh_key(case):
    """A key that comes again with another body is refused."""
    key = KEY.fullmatch(str((case.headers or {}).get("Idempotency-Key", "")))
    if key:
        case.headers["Idempotency-Key"] = f'"{key.group(1)[:240]}{next(numbers)}"'


def put_at_own_id(case):
    """The `_id` of a body that is put is the path's."""
    if case.method == "PUT" and isinstance(case.body, dict) and "_id" in case.body:
        if case.meta is None or not case.meta.generation.mode.is_negative:
            case.body = {**case.body, "_id": case.path_parameters["id"]}


def spell_numbers(case):
    """A number without fraction and exponent has 64 bits; a schema says what a number is, not how it is written."""
    if case.meta is not None and case.meta.generation.mode.is_positive and isinstance(case.body, (dict, list)):
        case.body = spelled(case.body)


def spelled(value):
    if isinstance(value, dict):
        return {name: spelled(member) for name, member in value.items()}
    if isinstance(value, list):
        return [spelled(item) for item in value]
    is_long = isinstance(value, int) and not -(2**63) <= value < 2**63
    return float(value) if is_long and abs(value) < 1e308 else value


@schemathesis.check
def patch_outcome(ctx, response, case):
    """A well-formed patch is refused where it can't be applied, or its outcome is no document of the resource; else never."""
    if case.method != "PATCH" or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code not in (400, 409, 422):
        return
    before = requests.get(response.request.url, timeout=10).json()
    patch = case.body
    if isinstance(patch, dict):
        patch = {name: value for name, value in patch.items() if name != "_rev"}  # a precondition
    try:
        after = patches.apply(before, patch, case.media_type)
    except patches.Refused:
        return
    own = {name: after.pop(name, None) for name in SERVER_OWN} if isinstance(after, dict) else {}
    if own != {name: before[name] for name in SERVER_OWN}:
        return
    root = case.operation.schema.raw_schema
    resource = case.path.split("/")[1]
    schema = {"$ref": f"#/components/schemas/{resource}", "components": root["components"]}
    valid = jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid(after)
    assert not valid or is_unique_conflict(response), f"refused with {response.status_code}: {response.text}"


def is_unique_conflict(response):
    return response.status_code == 409 and "errors" in response.json()
