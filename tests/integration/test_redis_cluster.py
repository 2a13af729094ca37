"""Two hosts on a Redis Cluster whose masters are replaced by their replicas."""

import pytest

from hosts import Hosts, running
from servers.redis_groups import RedisCluster


@pytest.fixture
def cluster(launch):
    return launch(RedisCluster, replicated=True, password="secret")


@pytest.fixture
def hosts(make_nginx, cluster, tmp_path):
    nodes = ",".join(node.address for node in cluster.servers())
    two = Hosts(make_nginx, tmp_path, f"redis+cluster://:secret@{nodes}")
    with running(two):
        yield two


def test_masters_that_are_killed(hosts, cluster):
    with hosts.watched():
        for master, replica in zip(cluster.nodes, cluster.replicas):
            hosts.write()
            master.kill()
            for _ in range(3):
                hosts.write()
            cluster.wait_until_master(replica)
            hosts.recovered()
            master.start()
            cluster.wait_until_replicated()
            hosts.recovered()


def test_masters_that_change_places_with_their_replicas(hosts, cluster):
    with hosts.watched():
        for master, replica in (*zip(cluster.nodes, cluster.replicas), *zip(cluster.replicas, cluster.nodes)):
            replica.execute("CLUSTER", "FAILOVER")
            for _ in range(3):
                hosts.write()
            cluster.wait_until_master(replica)
            cluster.wait_until_replicated()
            hosts.recovered()


def test_replicas_that_missed_the_last_writes(hosts, cluster):
    with hosts.watched():
        for master, replica in zip(cluster.nodes, cluster.replicas):
            replica.execute("CONFIG", "SET", "masterauth", "wrong")
            master.execute("CLIENT", "KILL", "TYPE", "replica")
            for _ in range(3):
                hosts.write()
            replica.execute("CLUSTER", "FAILOVER", "TAKEOVER")
            hosts.recovered()
