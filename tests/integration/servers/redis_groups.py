"""Redis in groups: a master watched by Sentinel, and a Cluster."""

import pathlib
import secrets

import redis
from harness import free_port, wait_until

from .redis_server import RedisServer

SLOTS = 16384


class Group:
    """Servers that start and end together."""

    def __init__(self, home):
        self.home = pathlib.Path(home)

    def servers(self):
        raise NotImplementedError

    def start_all(self):
        raise NotImplementedError

    def launch_all(self):
        for server in self.servers():
            server.launch()
        for server in self.servers():
            server.wait()

    def start(self):
        try:
            self.start_all()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        for server in self.servers():
            server.stop()


class Sentinel(RedisServer):
    """One of a group's sentinels. It rewrites its own configuration."""

    program = "redis-sentinel"

    def __init__(self, home):
        super().__init__(home)
        self.id = secrets.token_hex(20)

    def configure(self, name, master, replica, others, down_after):
        of_master = {
            "monitor": f"127.0.0.1 {master.port} 1",
            "down-after-milliseconds": down_after,
            "failover-timeout": 5000,
            "known-replica": f"127.0.0.1 {replica.port}",
        }
        if master.password:
            of_master["auth-pass"] = master.password
        lines = [f"sentinel {key} {name} {value}" for key, value in of_master.items()]
        lines += [f"sentinel known-sentinel {name} 127.0.0.1 {other.port} {other.id}" for other in others]
        self.write_configuration({"port": self.port}, [f"sentinel myid {self.id}", *lines])

    def hurry(self):
        """Its periods in milliseconds; usual are 10, 2, 1 and 1 s. Still faster ones make it think ill of good replicas."""
        faster = {"info-period": 400, "publish-period": 500, "ask-period": 100, "ping-period": 250}
        self.execute("SENTINEL", "DEBUG", *(str(word) for pair in faster.items() for word in pair))


class RedisSentinels(Group):
    """A master and its replica (`nodes`), and three `sentinels`, which call the master `name`.

    A master that is killed or hung is replaced after about two seconds.
    """

    def __init__(self, home, *, name="nacre", **options):
        super().__init__(home)
        self.name = name
        first = RedisServer(self.home / "node0", **options)
        self.nodes = [first, RedisServer(self.home / "node1", replicaof=f"127.0.0.1 {first.port}", **options)]
        self.sentinels = [Sentinel(self.home / f"sentinel{i}") for i in range(3)]
        for i, sentinel in enumerate(self.sentinels):
            # One is first to see the master down and to ask for votes: no vote is split, which would cost ten seconds.
            others = [other for other in self.sentinels if other is not sentinel]
            sentinel.configure(name, *self.nodes, others, down_after=1000 * (i + 1))

    def servers(self):
        return self.nodes + self.sentinels

    def start_all(self):
        self.launch_all()
        wait_until(lambda: self.nodes[1].execute("INFO", "replication")["master_link_status"] == "up", "replication")
        for sentinel in self.sentinels:
            sentinel.hurry()
        self.wait_until_settled()

    def running(self):
        return [sentinel for sentinel in self.sentinels if sentinel.process.poll() is None]

    def wait_until_settled(self):
        """Until every sentinel that runs sees a good master, a good replica and the others."""
        wait_until(lambda: all(map(self.is_content, self.running())), "the sentinels are content")

    def is_content(self, sentinel):
        with sentinel.client() as client:
            master, replicas = client.sentinel_master(self.name), client.sentinel_slaves(self.name)
        if len(replicas) != 1 or master["num-other-sentinels"] != 2:
            return False
        (replica,) = replicas
        seen = [master["flags"], replica["flags"], replica["role-reported"], replica["master-link-status"]]
        return seen == ["master", "slave", "slave", "ok"]

    def master(self):
        """The node that most of the sentinels call the master."""
        named = [self.named_by(sentinel) for sentinel in self.running()]
        return next(node for node in self.nodes if named.count(node.port) > len(named) / 2)

    def named_by(self, sentinel):
        with sentinel.client() as client:
            return client.sentinel_get_master_addr_by_name(self.name)[1]

    def wait_for_failover(self, old):
        """Until another node than `old` is the master, by its own word and that of all sentinels that run."""

        def replaced():
            (new,) = [node for node in self.nodes if node is not old]
            named = {self.named_by(sentinel) for sentinel in self.running()}
            return named == {new.port} and self.role_of(new) == "master" and new

        return wait_until(replaced, "failover")

    @staticmethod
    def role_of(node):
        """ "master" or "slave"; None while Sentinel changes it, and so has the node end its connections."""
        try:
            return node.execute("ROLE")[0]
        except redis.ConnectionError:
            return None

    def fail_over(self):
        """Has Sentinel make the replica the master, with nothing wrong; returns the new master."""
        self.wait_until_settled()
        old = self.master()
        self.sentinels[0].execute("SENTINEL", "FAILOVER", self.name)
        return self.wait_for_failover(old)


class RedisCluster(Group):
    """Three masters (`nodes`) that share the slots, a third each; with `replicated`, each has one of the `replicas`.

    A master that is killed is replaced after about two seconds.
    """

    def __init__(self, home, *, replicated=False, **options):
        super().__init__(home)
        options = {"cluster_enabled": "yes", "cluster_node_timeout": 1000, "cluster_require_full_coverage": "no", **options}
        options.setdefault("cluster_replica_validity_factor", 0)
        self.bus_ports = [free_port() for _ in range(6 if replicated else 3)]
        servers = [RedisServer(self.home / f"node{i}", cluster_port=port, **options) for i, port in enumerate(self.bus_ports)]
        self.nodes, self.replicas = servers[:3], servers[3:]

    def servers(self):
        return self.nodes + self.replicas

    def start_all(self):
        self.launch_all()
        for i, node in enumerate(self.servers()):
            node.execute("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
            node.execute("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port, self.bus_ports[0])
        for i, node in enumerate(self.nodes):
            first, last = (SLOTS * n // len(self.nodes) for n in (i, i + 1))
            node.execute("CLUSTER", "ADDSLOTSRANGE", first, last - 1)
        self.wait_until_whole()
        for node, replica in zip(self.nodes, self.replicas):
            replica.execute("CLUSTER", "REPLICATE", self.id(node))
        self.wait_until_replicated()

    def wait_until_replicated(self):
        """Until every node of a pair is the master or has all that the other one has, and all nodes know which it is.

        A failover that the master or a voter takes for that of another node is given up in silence after five seconds.
        """

        def replicates(one):
            info = one.execute("INFO", "replication")
            if info["role"] == "slave":
                return info["master_link_status"] == "up"
            return info["connected_slaves"] == 1 and all(self.knows_replica(node, self.id(one)) for node in self.servers())

        if self.replicas:
            wait_until(lambda: all(replicates(one) for one in self.servers()), "replication")
        self.wait_until_whole()

    @staticmethod
    def knows_replica(node, master):
        try:
            return len(node.execute("CLUSTER", "REPLICAS", master)) == 1
        except redis.ResponseError:  # that it is a master is not known either
            return False

    @staticmethod
    def wait_until_master(node):
        wait_until(lambda: node.execute("ROLE")[0] == "master", "the replica to be the master")

    def wait_until_whole(self):
        """Until every node sees every slot served."""
        wait_until(lambda: all(self.sees_all(node) for node in self.servers()), "the cluster is whole")

    def sees_all(self, node):
        info = node.execute("CLUSTER", "INFO").split()
        return {"cluster_state:ok", f"cluster_slots_ok:{SLOTS}", "cluster_size:3"} <= set(info)

    def slot_of(self, key):
        return self.nodes[0].execute("CLUSTER", "KEYSLOT", key)

    def owner(self, slot):
        """The node that serves the slot."""
        for first, last, (_, port, *_), *_ in self.nodes[0].execute("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == port)
        raise AssertionError(f"slot {slot} is served by none")

    def begin_move(self, slot, target):
        """From now on the owner answers ASK for keys of the slot that it has not; returns the owner."""
        source = self.owner(slot)
        target.execute("CLUSTER", "SETSLOT", slot, "IMPORTING", self.id(source))
        source.execute("CLUSTER", "SETSLOT", slot, "MIGRATING", self.id(target))
        return source

    def finish_move(self, slot, source, target):
        """Moves the keys; from now on every other node answers MOVED."""
        credentials = ["AUTH", target.password] if target.password else []
        while keys := source.execute("CLUSTER", "GETKEYSINSLOT", slot, 100):
            source.execute("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, *credentials, "KEYS", *keys)
        for node in (target, *(node for node in self.nodes if node is not target)):
            node.execute("CLUSTER", "SETSLOT", slot, "NODE", self.id(target))

    def move(self, slot, target):
        self.finish_move(slot, self.begin_move(slot, target), target)

    @staticmethod
    def id(node):
        return node.execute("CLUSTER", "MYID")
