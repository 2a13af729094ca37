"""Servers of the tests' own: Redis alone, with Sentinel and as a Cluster; one that speaks MongoDB; certificates for them.

Each listens on a free port of 127.0.0.1, keeps port and data folder over kill() and start(), and ends with the tests, even when
those are killed.
"""
