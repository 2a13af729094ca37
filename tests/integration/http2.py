"""HTTP/2 without TLS, frame by frame where a client misbehaves."""

import socket

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
from harness import TIMEOUT


class Connection:
    def __init__(self, port, window=None):
        """`window`: bytes that the server may send of an answer before more are asked for; the protocol's 65,535 else."""
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.h2.initiate_connection()
        if window is not None:
            self.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.answers = {}
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def begin(self, method, path, headers=(), end=True):
        stream = self.h2.get_next_available_stream_id()
        pseudo = [(":method", method), (":path", path), (":scheme", "http"), (":authority", "test")]
        self.h2.send_headers(stream, pseudo + list(headers), end_stream=end)
        self.answers[stream] = {"headers": None, "body": b"", "ended": False, "reset": False}
        self.flush()
        return stream

    def send(self, stream, data, end=False):
        self.h2.send_data(stream, data, end_stream=end)
        self.flush()

    def reset(self, stream):
        self.h2.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
        self.flush()

    def read(self, acknowledge=True):
        """Takes in what the server sends next."""
        data = self.socket.recv(65536)
        assert data, "the server closed the connection"
        for event in self.h2.receive_data(data):
            answer = self.answers.get(getattr(event, "stream_id", None))
            if isinstance(event, h2.events.ResponseReceived):
                answer["headers"] = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                answer["body"] += event.data
                if acknowledge:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                answer["ended"] = True
            elif isinstance(event, h2.events.StreamReset):
                answer["reset"] = True
        self.flush()

    def finish(self, stream):
        """Waits for the whole answer: status, headers, body."""
        answer = self.answers[stream]
        while not (answer["ended"] or answer["reset"]):
            self.read()
        return int(answer["headers"][":status"]), answer["headers"], answer["body"]

    def request(self, method, path, body=None, headers=()):
        stream = self.begin(method, path, [*headers, *([("content-type", "application/json")] if body else [])], not body)
        if body:
            self.send(stream, body, end=True)
        return self.finish(stream)
