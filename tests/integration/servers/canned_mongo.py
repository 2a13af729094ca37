"""The MongoDB that does no work (tests/bench/canned_mongo.cc)."""

from .process import Process


class CannedMongo(Process):
    """`latencies`: how many milliseconds a command takes, by its name; `list` is a find that may answer several documents."""

    def __init__(self, home, program, **latencies):
        super().__init__(home)
        self.program, self.latencies = program, latencies

    def command(self):
        return [self.program, self.port, *(f"{name}={milliseconds}" for name, milliseconds in self.latencies.items())]

    def answers(self):
        return True

    def uri(self, options=""):
        return f"mongodb://{self.address}/nacre?replicaSet=nacre{options}"
