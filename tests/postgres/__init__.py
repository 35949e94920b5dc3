"""The database's script, functions, TLS and drivers, against a real PostgreSQL on loopback."""
