"""How long an nginx's event loop was held up: stall.c, preloaded, measures it."""

from harness import preload_of

MOST = 0.020  # seconds of the processor in one turn of the loop
MOST_BLOCKED = 0.400  # seconds until the next turn: the drivers' own sleeps, and waits for names or silent servers, take longer


class Stalls:
    """Watches an nginx that is not started yet."""

    def __init__(self, nginx):
        self.file = nginx.home / "stall"
        self.instrumented = bool(preload_of(nginx.module))
        self.reset()
        nginx.environment |= {
            "LD_PRELOAD": str(nginx.module.parent / "nacre_test_stall.so"),
            "STALL_FILE": str(self.file),
        }
        nginx.conf["main"] = nginx.conf.get("main", "") + "env STALL_FILE;"
        nginx.write_conf(**nginx.conf)

    def reset(self):
        with open(self.file, "r+b" if self.file.exists() else "w+b") as file:
            file.write(bytes(16))

    def _number(self, index):
        """Less under sanitizers, whose code takes several times as long."""
        seconds = int.from_bytes(self.file.read_bytes()[8 * index : 8 * index + 8], "little", signed=True) / 1e6
        return seconds / 5 if self.instrumented else seconds

    def longest(self):
        """Seconds, since the last reset."""
        return self._number(0)

    def longest_work(self):
        """Seconds of the processor that one turn of the loop took; what else runs on the machine does not change it."""
        return self._number(1)

    def bounded(self):
        """Whether no turn of the loop worked or blocked for long."""
        return self.longest_work() < MOST and self.longest() < MOST_BLOCKED

    def __repr__(self):
        return f"<worked {self.longest_work()} s, held up {self.longest()} s>"
