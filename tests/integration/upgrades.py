"""nginx exchanged while it runs: `USR2`."""

import copy
import os
import shutil
import signal
import subprocess

from harness import TIMEOUT, Client, wait_until


class Master:
    """What is used of a Popen, of a master that is no child of this process."""

    def __init__(self, pid):
        self.pid = pid

    def send_signal(self, number):
        os.kill(self.pid, number)

    def poll(self):
        try:
            return 0 if open(f"/proc/{self.pid}/stat").read().rsplit(")", 1)[1].split()[0] == "Z" else None
        except OSError:
            return 0

    def wait(self, timeout=TIMEOUT):
        wait_until(lambda: self.poll() is not None, f"the end of {self.pid}", timeout)
        return 0


def pid_in(file):
    """ "" while nginx has not written it, and while a new program gives it another name."""
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        return ""


def start_daemon(nginx, through=()):
    """As a child of a process that still runs, nginx takes no USR2. `through`: a command that executes it."""
    conf = nginx.home / "nginx.conf"
    conf.write_text(conf.read_text().replace("daemon off;", "daemon on;"))
    nginx.binary = shutil.which(nginx.binary)  # nginx executes what it was called by
    nginx.environment["ASAN_OPTIONS"] = "detect_leaks=0"  # the process that starts the daemon frees nothing
    subprocess.run([*through, *nginx.command()], env=nginx.child_environment(), check=True, timeout=TIMEOUT)
    file = nginx.home / "nginx.pid"
    nginx.process = Master(int(wait_until(lambda: pid_in(file), "nginx.pid")))
    wait_until(nginx.answers, "nginx answers")


def upgrade(nginx):
    """USR2: the program that runs beside the old one then."""
    file = nginx.home / "nginx.pid"
    nginx.process.send_signal(signal.SIGUSR2)
    wait_until(lambda: pid_in(file) not in ("", str(nginx.process.pid)), "a new program")
    new = copy.copy(nginx)
    new.process, new.api = Master(int(pid_in(file))), Client(nginx.url)
    wait_until(new.workers, "new workers")
    return new


def quit(nginx):
    nginx.process.send_signal(signal.SIGQUIT)
    nginx.process.wait()
