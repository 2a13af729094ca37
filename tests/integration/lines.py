"""Answers as they came over the wire: each line of the header by itself, where `requests` would join those of one name."""

import http.client

from harness import TIMEOUT


class Answer:
    def __init__(self, status, lines, body):
        self.status, self.lines, self.body = status, lines, body

    def all(self, name):
        """The values of all lines of that name."""
        return [value for key, value in self.lines if key.lower() == name.lower()]

    def one(self, name):
        """The value of the only line of that name."""
        values = self.all(name)
        assert len(values) == 1, f"{name}: {values}\n{self.lines}"
        return values[0]


def fetch(port, method, path, headers=(), body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return Answer(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()
