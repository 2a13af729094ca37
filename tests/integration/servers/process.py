"""A server process: started, killed, hung, woken, and started again with the same port and data."""

import os
import pathlib
import signal
import subprocess

from harness import free_port, wait_until


class Process:
    """One server. A subclass says its `command`, and whether it `answers`."""

    at_end = "KILL"  # the signal that it gets from the kernel when the tests are killed

    def __init__(self, home):
        self.home = pathlib.Path(home)
        self.home.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.process = None

    def command(self):
        raise NotImplementedError

    def answers(self):
        raise NotImplementedError

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def launch(self):
        """Starts the process. The kernel ends it with the thread that calls this, be it that the tests are killed."""
        with open(self.home / "output", "ab") as output:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", self.at_end, *map(str, self.command())],
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return self

    def start(self):
        """Starts the process and returns once it answers."""
        self.launch()
        try:
            self.wait()
        except BaseException:
            self.kill()
            raise
        return self

    def wait(self):
        wait_until(self.is_up, f"{type(self).__name__} answers")

    def is_up(self):
        assert self.process.poll() is None, f"{self.command()} ended:\n{self.output()}"
        return self.answers()

    def kill(self):
        """SIGKILL; returns when the process is gone, and its port and files are free."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    stop = kill

    def pause(self):
        """SIGSTOP: connections stay open, and the kernel even accepts new ones, but nothing is answered."""
        os.kill(self.process.pid, signal.SIGSTOP)
        wait_until(lambda: self.state() == "T", "the process stopped")

    def resume(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def restart(self):
        self.kill()
        return self.start()

    def state(self):
        return pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]

    def output(self):
        return (self.home / "output").read_text(errors="replace")
