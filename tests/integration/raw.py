"""HTTP/1.1 byte by byte, for clients that misbehave."""

import socket
import struct

from harness import TIMEOUT


class Connection:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def sendall(self, data):
        self.socket.sendall(data)

    def shutdown_write(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Goes away without a word: the peer gets RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def read_to_end(self):
        data, self.rest = self.rest, b""
        try:
            while chunk := self.socket.recv(65536):
                data += chunk
        except ConnectionResetError:
            pass
        return data

    def read_answer(self):
        """Status, headers (lower case) and body of an answer with Content-Length; None when the peer closed instead."""
        while b"\r\n\r\n" not in self.rest:
            chunk = self.socket.recv(65536)
            if not chunk:
                return None
            self.rest += chunk
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
        length = int(headers.get("content-length", 0))
        while len(self.rest) < length:
            chunk = self.socket.recv(65536)
            if not chunk:
                return None
            self.rest += chunk
        body, self.rest = self.rest[:length], self.rest[length:]
        return int(lines[0].split()[1]), headers, body


def connect(port):
    return Connection(port)


def request(method, path, body=b"", headers=()):
    lines = [f"{method} {path} HTTP/1.1", "Host: test", *headers]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
