"""PostgreSQL: both engines, roles and logins, TLS, migrations, and the right to connect."""
