"""What may stand before a server: a proxy that spoils bytes, and one that makes a replica set of one server."""
