"""Merge patches (RFC 7396) and JSON Patches (RFC 6902), to compare Nacre's with."""

import copy


class Refused(Exception):
    """The patch can't be applied to this document."""


def apply(document, patch, media_type):
    document = copy.deepcopy(document)
    if media_type != "application/json-patch+json":
        return merged(document, patch)
    for operation in patch:
        document = done(document, operation)
    return document


def merged(document, patch):
    if not isinstance(patch, dict):
        return patch
    result = document if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def done(document, operation):
    verb, path = operation["op"], tokens(operation["path"])
    if verb == "test":
        if not same(find(document, path), operation["value"]):
            raise Refused
        return document
    if verb == "remove":
        return removed(document, path)
    if verb == "replace":
        find(document, path)
        return added(removed(document, path), path, operation["value"])
    if verb == "add":
        return added(document, path, operation["value"])
    origin = tokens(operation["from"])
    if verb == "move" and len(origin) < len(path) and path[: len(origin)] == origin:
        raise Refused
    value = copy.deepcopy(find(document, origin))
    return added(removed(document, origin) if verb == "move" else document, path, value)


def tokens(pointer):
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def find(value, path):
    for token in path:
        value = value[key_of(value, token, len(value) if isinstance(value, list) else 0)]
    return value


def key_of(container, token, size):
    """The member or, below `size`, the index that a token names."""
    if isinstance(container, dict) and token in container:
        return token
    if isinstance(container, list) and (token == "0" or (token.isascii() and token.isdigit() and token[0] != "0")):
        if int(token) < size:
            return int(token)
    raise Refused


def added(document, path, value):
    if not path:
        return copy.deepcopy(value)
    parent, last = find(document, path[:-1]), path[-1]
    if isinstance(parent, dict):
        parent[last] = copy.deepcopy(value)
    elif isinstance(parent, list):
        parent.insert(len(parent) if last == "-" else key_of(parent, last, len(parent) + 1), copy.deepcopy(value))
    else:
        raise Refused
    return document


def removed(document, path):
    if not path:
        return None
    parent = find(document, path[:-1])
    if not isinstance(parent, (dict, list)):
        raise Refused
    del parent[key_of(parent, path[-1], len(parent))]
    return document


def same(a, b):
    """JSON's equality: 1 is 1.0, and true is not 1."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b
