"""Cases of the rules about superusers and trust in a Cluster."""

from .shape import About, at

_HBA = "spec/postgresql/pg_hba"
_ROLES = "spec/managed/roles"


def _initdb(name: str) -> str:
    return f"spec/bootstrap/initdb/{name}"


ABOUT: dict[str, About] = {
    "postgres-roles": About(
        kind="Cluster",
        field=_ROLES,
        allowed=(
            *at(_ROLES, [], [{"name": "reporting", "login": True, "inRoles": ["readers"]}]),
            *at(_initdb("owner"), "shop"),
        ),
        denied=(
            *at(
                _ROLES,
                [{"name": "evil", "superuser": True, "login": True}],
                [{"name": "evil", "replication": True}],
                [{"name": "evil", "bypassrls": True}],
                [{"name": "evil", "inRoles": ["pg_execute_server_program"]}],
                [{"name": "evil", "inRoles": ["readers", "postgres"]}],
                [{"name": "evil", "inRoles": ["pg_write_server_files"]}],
                [{"name": "postgres", "login": True}],
            ),
            *at(_initdb("owner"), "postgres"),
        ),
    ),
    "postgres-logins": About(
        kind="Cluster",
        field=_HBA,
        allowed=at(
            _HBA,
            ["hostssl all all 10.0.0.0/8 scram-sha-256"],
            ["# no one else", "hostnossl all all all reject", "hostssl shop shop all cert map=shop"],
            ["hostssl all all 192.0.2.0 255.255.255.0 scram-sha-256"],
        ),
        denied=(
            *at(
                _HBA,
                ["host all all 0.0.0.0/0 trust"],
                ["host all all 0.0.0.0/0 scram-sha-256"],
                ["hostssl all all all trust"],
                ['hostssl all all all "trust"'],
                ["hostssl all all all password"],
                ["hostssl all all all md5"],
                ["hostnossl all all all scram-sha-256"],
                ["local all all trust"],
                ["local all all peer map=evil"],
                ["hostssl all all all reject\nhost all all all trust"],
                ["hostssl replication all all scram-sha-256"],
                ["hostssl all postgres all scram-sha-256"],
                ["include /tmp/evil.conf"],
            ),
            *at("spec/postgresql/pg_ident", ["local root postgres"]),
            *at(_initdb("options"), ["--auth=trust"]),
        ),
    ),
    "postgres-parameters": About(
        kind="Cluster",
        field="spec/postgresql/parameters",
        allowed=at(
            "spec/postgresql/parameters",
            {"max_connections": "100"},
            # As the operator's webhook fills them in.
            {"shared_preload_libraries": "", "ssl_max_protocol_version": "TLSv1.3"},
        ),
        denied=(
            *at(
                "spec/postgresql/parameters",
                {"password_encryption": "md5"},
                {"ssl_min_protocol_version": "TLSv1"},
                {"session_preload_libraries": "evil"},
                {"archive_cleanup_command": "sh -c id"},
            ),
            *at("spec/postgresql/shared_preload_libraries", ["evil"]),
        ),
    ),
    "postgres-statements": About(
        kind="Cluster",
        field=_initdb("postInitSQL"),
        allowed=(
            *at(_initdb("postInitApplicationSQL"), ["CREATE EXTENSION IF NOT EXISTS pg_trgm"]),
            *at(
                _initdb("postInitSQL"),
                ["ALTER ROLE shop NOSUPERUSER NOREPLICATION", "REVOKE ALL ON DATABASE x"],
            ),
        ),
        denied=(
            *at(
                _initdb("postInitSQL"),
                ["CREATE ROLE evil SUPERUSER LOGIN"],
                ["SELECT 1", "alter role shop\nsuperuser"],
                ["GRANT pg_execute_server_program TO shop"],
                ["COPY x FROM PROGRAM 'id'"],
                ["ALTER SYSTEM SET ssl = off"],
                ["CREATE ROLE evil LOGIN PASSWORD 'hunter2'"],
            ),
            *at(_initdb("postInitApplicationSQL"), ["CREATE EXTENSION plpython3u"]),
            *at(_initdb("postInitSQLRefs"), {"configMapRefs": [{"name": "evil", "key": "sql"}]}),
        ),
    ),
    "postgres-secrets": About(
        kind="Cluster",
        field="spec/env",
        allowed=at(
            "spec/env",
            [{"name": "TZ", "value": "UTC"}],
            [{"name": "S3_SECRET", "valueFrom": {"secretKeyRef": {"name": "s3", "key": "secret"}}}],
        ),
        denied=(
            *at(
                "spec/env",
                [{"name": "PGPASSWORD", "value": "hunter2"}],
                [{"name": "SOURCE", "value": "postgres://a:hunter2@b/c"}],
            ),
            *at("spec/envFrom", [{"secretRef": {"name": "web-1"}}]),
            *at(
                "spec/externalClusters",
                [{"name": "a", "connectionParameters": {"host": "b", "password": "hunter2"}}],
                [{"name": "a", "connectionParameters": {"host": "b", "sslmode": "disable"}}],
            ),
            *at("spec/postgresql/parameters", {"primary_conninfo": "host=a password=hunter2"}),
        ),
    ),
    "postgres-pods": About(
        kind="Cluster",
        field="spec/priorityClassName",
        wrong=["web"],
        allowed=(
            *at("spec/priorityClassName", "web"),
            *at("spec/affinity", {"tolerations": [{"key": "dedicated", "operator": "Exists"}]}),
        ),
        denied=(
            *at("spec/priorityClassName", "system-cluster-critical"),
            *at("metadata/annotations", {"cnpg.io/podPatch": '[{"op": "add"}]'}),
            *at(
                "spec/inheritedMetadata",
                {"annotations": {"container.apparmor.security.beta.kubernetes.io/postgres": "unconfined"}},
            ),
            *at("spec/seccompProfile", {"type": "Unconfined"}),
            *at("spec/affinity", {"tolerations": [{"operator": "Exists"}]}),
            *at("spec/projectedVolumeTemplate", {"sources": [{"serviceAccountToken": {"path": "token"}}]}),
        ),
    ),
    "postgres-service": About(
        kind="Cluster",
        field="spec/managed/services/additional",
        allowed=at(
            "spec/managed/services/additional",
            [{"selectorType": "rw", "serviceTemplate": {"metadata": {"name": "db"}}}],
        ),
        denied=at(
            "spec/managed/services/additional",
            *(
                [{"selectorType": "rw", "serviceTemplate": {"metadata": {"name": "db"}, "spec": spec}}]
                for spec in ({"type": "LoadBalancer"}, {"type": "NodePort"}, {"externalIPs": ["192.0.2.1"]})
            ),
        ),
    ),
    "postgres-pooler": About(
        kind="Pooler",
        field="spec/pgbouncer/pg_hba",
        allowed=at("spec/pgbouncer/pg_hba", ["hostssl all all all scram-sha-256"]),
        denied=(
            *at("spec/pgbouncer/pg_hba", ["host all all 0.0.0.0/0 trust"]),
            *at("spec/pgbouncer/parameters", {"auth_type": "any"}, {"client_tls_sslmode": "disable"}),
            *at("spec/serviceTemplate", {"spec": {"type": "LoadBalancer"}}),
        ),
    ),
}
