"""Certificates for TLS tests, made by the program openssl."""

import pathlib
import subprocess
import typing

from harness import wait_until

LOCAL = "DNS:localhost,IP:127.0.0.1"


class Identity(typing.NamedTuple):
    """A certificate and its key; `pem` holds both, as MongoDB's options want them."""

    certificate: pathlib.Path
    key: pathlib.Path
    pem: pathlib.Path


class Certificates:
    """An authority and what it signed: `server`, `client`, `expired` and `wrong_host`. `other_ca` signed none of them."""

    def __init__(self, home):
        self.home = pathlib.Path(home)
        self.home.mkdir(parents=True, exist_ok=True)
        self.ca = self.authority("ca").certificate
        self.expired = self.issue("expired", LOCAL, days=0)
        self.other_ca = self.authority("other_ca").certificate
        self.server = self.issue("server", LOCAL)
        self.client = self.issue("client", LOCAL)
        self.wrong_host = self.issue("wrong_host", "DNS:elsewhere.example")
        wait_until(lambda: "has expired" in self.verify(self.expired), "its second is over")

    def files(self, name):
        return Identity(*(self.home / (name + end) for end in (".crt", ".key", ".pem")))

    def authority(self, name):
        files = self.files(name)
        usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        self.openssl(
            "req", "-x509", *self.new_key(files), "-days", 2, "-subj", f"/CN={name}", *usage, "-out", files.certificate
        )
        return files

    def issue(self, name, names, days=2):
        """A certificate for `names`, written as OpenSSL's subjectAltName is."""
        files, request, extensions = self.files(name), self.home / f"{name}.csr", self.home / f"{name}.ext"
        authority = self.files("ca")
        usage = "keyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\nauthorityKeyIdentifier=keyid\n"
        extensions.write_text(f"subjectAltName={names}\n{usage}")
        self.openssl("req", *self.new_key(files), "-subj", f"/O=Nacre/OU=tests/CN={name}", "-out", request)
        sign = ["-CA", authority.certificate, "-CAkey", authority.key, "-CAcreateserial", "-days", str(days)]
        self.openssl("x509", "-req", "-in", request, *sign, "-extfile", extensions, "-out", files.certificate)
        files.pem.write_text(files.certificate.read_text() + files.key.read_text())
        return files

    def verify(self, files):
        """What openssl says of a certificate."""
        return subprocess.run(
            ["openssl", "verify", "-CAfile", self.ca, files.certificate], capture_output=True, text=True
        ).stderr

    @staticmethod
    def new_key(files):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", files.key]

    @staticmethod
    def openssl(*arguments):
        done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
