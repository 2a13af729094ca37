"""dnsmasq, as Debian packages it."""

import os

from .process import Process


class DnsServer(Process):
    """Knows one name of a MongoDB, as `mongodb+srv://` asks for it, with its one host and its options, and nothing else."""

    name, member = "db.nacre.test", "member.nacre.test"

    def __init__(self, home, port, options):
        super().__init__(home)
        self.host = f"127.{os.getpid() >> 8 & 255}.{os.getpid() & 255}.53"  # resolv.conf names no ports
        self.records = [
            f"--srv-host=_mongodb._tcp.{self.name},{self.member},{port}",
            f"--txt-record={self.name},{options}",
            f"--address=/{self.member}/127.0.0.1",
        ]
        (self.home / "resolv.conf").write_text(f"nameserver {self.host}\noptions timeout:1 attempts:1\n")

    def command(self):
        alone = ["--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces", "--pid-file=", "--user=root"]
        return ["dnsmasq", "--keep-in-foreground", "--log-facility=-", *alone, f"--listen-address={self.host}", *self.records]

    def answers(self):
        return "started" in self.output()

    def asked_by(self):
        """What a command is put behind to ask this server for names: a view of the files with another resolv.conf."""
        script = 'env -u LD_PRELOAD mount --bind "$0" /etc/resolv.conf && exec "$@"'
        return ["unshare", "--mount", "sh", "-c", script, str(self.home / "resolv.conf")]
