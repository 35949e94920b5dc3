"""Superusers, replication and authentication of a CloudNativePG Cluster.

Fields after https://cloudnative-pg.io/documentation/1.28/cloudnative-pg.v1/, lines of pg_hba after
https://www.postgresql.org/docs/15/auth-pg-hba-conf.html.
"""

from ..expression import Field
from ..logic import Lines
from ..rule import Rule, Severity
from ..shapes import assigns, harmless, holds_a_key, is_a_secret, names_a_secret
from ..vocabulary import (
    OBJECT,
    At,
    Default,
    Every,
    Joined,
    Matches,
    Not,
    Variable,
    absent,
    anything,
    empty,
    entries,
    every,
    flag,
    if_,
    is_,
    items,
    one_of,
    some,
    text,
)
from .images import versioned

_CATEGORY = "database"
_KINDS = ("Cluster",)
_ROLE, _IN, _LINE, _VARIABLE, _KEY = (
    Variable("role"),
    Variable("granted"),
    Variable("line"),
    Variable("variable"),
    Variable("key"),
)
_SERVICE, _SOURCE, _TOLERATION, _OUTSIDE, _EXTENSION = (
    Variable("service"),
    Variable("source"),
    Variable("toleration"),
    Variable("outside"),
    Variable("extension"),
)
# Roles of PostgreSQL's own that run programs, or read and write every file or table.
_GREAT = (
    "^(postgres|streaming_replica|cnpg_.*|pg_(execute_server_program|read_server_files|write_server_files"
    "|read_all_data|write_all_data|maintain|database_owner|create_subscription|signal_autovacuum_worker))$"
)
_FIELD = "[ \t]+[^ \t#]+"
# Only clients over TLS with a certificate or a password that is not sent, and lines that only reject.
_HBA = (
    f"^[ \t]*(#.*|hostssl{_FIELD}{_FIELD}{_FIELD}([ \t]+[0-9.]+)?[ \t]+(scram-sha-256|cert)([ \t]+[^ \t].*)?"
    "|(local|host|hostssl|hostnossl|hostgssenc|hostnogssenc)[ \t]+[^#\n]*[ \t]reject)?[ \t]*$"
)
_HBA_GREAT = '(?i)[ \t,"](replication|postgres|streaming_replica)[ \t,"]'
# What statements as superuser must not give: its powers, programs, files, and passwords as text. Statements
# that revoke (NOSUPERUSER, REVOKE) or only read are allowed.
_SPACE = "[ \n\t]+"
_SQL = (
    f"(?i)(grant|(create|alter){_SPACE}(role|user|group)){_SPACE}([^;]*[^a-z_])?"
    "(superuser|replication|bypassrls|pg_execute_server_program|pg_(read|write)_(server_files|all_data)|postgres)"
    f"([^a-z_]|$)|password{_SPACE}e?['$]|(to|from){_SPACE}program[^a-z_]|alter{_SPACE}system"
    f'|owner{_SPACE}to{_SPACE}"?postgres|session{_SPACE}authorization|pg_authid|pg_hba'
    "|(pg_read_(binary_)?file|lo_(import|export)|dblink[a-z_]*)[ \n\t]*[(]|plpython3?u|plperlu|pltclu"
)
_SQL_LISTS = ("postInitSQL", "postInitApplicationSQL", "postInitTemplateSQL")
_SQL_REFERENCES = (*(f"{name}Refs" for name in _SQL_LISTS),)
_PARAMETERS = entries(OBJECT, "spec", "postgresql", "parameters")
# What weakens logins or TLS, loads programs, or runs one.
_PARAMETER = (
    "^(ssl|ssl_.*|password_encryption|.*_command|.*preload_libraries|dynamic_library_path|local_preload.*"
    "|krb_.*|db_user_namespace|row_security|allow_system_table_mods|ident_file|hba_file|listen_addresses)$"
)
_PROTOCOL, _STRONG = "^ssl_(min|max)_protocol_version$", "^TLSv1[.][23]$"
_METADATA = (("metadata",), ("spec", "inheritedMetadata"))
# The operator applies it to the pods that it makes, whatever the rules say of them.
_PATCHES = (
    "^(cnpg\\.io/podPatch|alpha\\.cnpg\\.io/|cnpg\\.io/skip|container\\.(apparmor|seccomp)\\."
    "|seccomp\\.security\\.)"
)

_name = Default(text(_ROLE, "name"), "")
_parameter = Default(text(_OUTSIDE, "connectionParameters", "sslmode"), "verify-full")


def _initdb(*names: str) -> tuple[str, ...]:
    return ("spec", "bootstrap", "initdb", *names)


_STATEMENTS = Joined(tuple(items(OBJECT, *_initdb(name)) for name in _SQL_LISTS))

RULES = (
    Rule(
        id="postgres-roles",
        category=_CATEGORY,
        severity=Severity.CRITICAL,
        kinds=_KINDS,
        holds=every(
            Every(
                items(OBJECT, "spec", "managed", "roles"),
                _ROLE,
                every(
                    *(
                        is_(Default(flag(_ROLE, power), False), False)
                        for power in ("superuser", "replication", "bypassrls")
                    ),
                    Not(Matches(_name, _GREAT)),
                    Every(items(_ROLE, "inRoles"), _IN, Not(Matches(_IN, _GREAT))),
                ),
            ),
            Not(Matches(Default(text(OBJECT, *_initdb("owner")), "app"), _GREAT)),
        ),
        protects="No login may do everything, read every file, or run a program on the database's server.",
        remedy="leave superuser, replication, bypassrls and PostgreSQL's own roles out of managed.roles",
    ),
    Rule(
        id="postgres-logins",
        category=_CATEGORY,
        severity=Severity.CRITICAL,
        kinds=_KINDS,
        holds=every(
            Every(
                items(OBJECT, "spec", "postgresql", "pg_hba"),
                _LINE,
                every(
                    Matches(_LINE, _HBA),
                    Not(Matches(_LINE, "[\r\n]")),
                    some(Matches(_LINE, "reject[ \t]*$|^[ \t]*#"), Not(Matches(_LINE, _HBA_GREAT))),
                ),
            ),
            empty(items(OBJECT, "spec", "postgresql", "pg_ident")),
            absent(anything(OBJECT, "spec", "postgresql", "ldap")),
            empty(items(OBJECT, *_initdb("options"))),
        ),
        protects="Every client needs TLS and a password or certificate.",
        remedy="let lines of pg_hba be hostssl with scram-sha-256 or cert, or reject; leave pg_ident out",
    ),
    Rule(
        id="postgres-parameters",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=_KINDS,
        holds=every(
            Every(
                _PARAMETERS,
                _KEY,
                some(
                    Not(Matches(_KEY, _PARAMETER)),
                    # The default of the operator's own webhook.
                    is_(At(_PARAMETERS, _KEY, str), ""),
                    every(Matches(_KEY, _PROTOCOL), Matches(At(_PARAMETERS, _KEY, str), _STRONG)),
                ),
            ),
            empty(items(OBJECT, "spec", "postgresql", "shared_preload_libraries")),
        ),
        protects="TLS and passwords stay as strong as the operator makes them; no program is run or loaded.",
        remedy="leave ssl, password_encryption, commands and libraries out of postgresql.parameters",
    ),
    Rule(
        id="postgres-statements",
        category=_CATEGORY,
        severity=Severity.CRITICAL,
        kinds=_KINDS,
        holds=every(
            Not(Matches(Lines(_STATEMENTS), _SQL)),
            *(absent(anything(OBJECT, *_initdb(name))) for name in _SQL_REFERENCES),
        ),
        protects="Statements that run as superuser stand in the Cluster, and hand its power to no role.",
        remedy="write statements out in postInitApplicationSQL, without SUPERUSER, passwords or programs",
    ),
    Rule(
        id="postgres-secrets",
        category=_CATEGORY,
        severity=Severity.CRITICAL,
        kinds=_KINDS,
        holds=every(
            Every(
                items(OBJECT, "spec", "env"),
                _VARIABLE,
                every(
                    if_(
                        names_a_secret(Default(text(_VARIABLE, "name"), "")),
                        harmless(Default(text(_VARIABLE, "value"), "")),
                    ),
                    Not(is_a_secret(Default(text(_VARIABLE, "value"), ""))),
                ),
            ),
            Every(
                items(OBJECT, "spec", "envFrom"),
                _SOURCE,
                absent(Field(_SOURCE, ("secretRef",), dict)),
            ),
            Every(
                items(OBJECT, "spec", "externalClusters"),
                _OUTSIDE,
                every(
                    absent(anything(_OUTSIDE, "connectionParameters", "password")),
                    one_of(_parameter, "verify-full", "verify-ca", "require"),
                ),
            ),
            Every(
                _PARAMETERS,
                _KEY,
                Not(some(holds_a_key(At(_PARAMETERS, _KEY, str)), assigns(At(_PARAMETERS, _KEY, str)))),
            ),
        ),
        protects="The right to read the Cluster does not reveal its passwords.",
        remedy="refer to Secrets: passwordSecret, env[].valueFrom.secretKeyRef, externalClusters[].password",
    ),
    Rule(
        id="postgres-pods",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=_KINDS,
        holds=every(
            *(
                Every(entries(OBJECT, *path, "annotations"), _KEY, Not(Matches(_KEY, _PATCHES)))
                for path in _METADATA
            ),
            one_of(
                Default(text(OBJECT, "spec", "seccompProfile", "type"), "RuntimeDefault"),
                "RuntimeDefault",
                "Localhost",
            ),
            Not(Matches(Default(text(OBJECT, "spec", "priorityClassName"), ""), "^system-")),
            Every(
                items(OBJECT, "spec", "affinity", "tolerations"),
                _TOLERATION,
                Not(Matches(Default(text(_TOLERATION, "key"), ""), "^$|^node-role\\.kubernetes\\.io/")),
            ),
            Every(
                items(OBJECT, "spec", "projectedVolumeTemplate", "sources"),
                _SOURCE,
                absent(anything(_SOURCE, "serviceAccountToken")),
            ),
            Every(
                items(OBJECT, "spec", "postgresql", "extensions"),
                _EXTENSION,
                versioned(Default(text(_EXTENSION, "image", "reference"), "")),
            ),
            *(
                absent(anything(OBJECT, "spec", context, power))
                for context in ("podSecurityContext", "securityContext")
                for power in ("privileged", "capabilities", "sysctls", "seLinuxOptions", "procMount")
            ),
        ),
        protects="The operator's pods are made as it always makes them, and are scheduled like other pods.",
        remedy="leave podPatch, system classes, keyless tolerations, tokens and weaker contexts out",
    ),
    Rule(
        id="postgres-service",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=_KINDS,
        holds=Every(
            items(OBJECT, "spec", "managed", "services", "additional"),
            _SERVICE,
            every(
                one_of(Default(text(_SERVICE, "serviceTemplate", "spec", "type"), "ClusterIP"), "ClusterIP"),
                empty(items(_SERVICE, "serviceTemplate", "spec", "externalIPs")),
            ),
        ),
        protects="The database is reached from inside the cluster alone.",
        remedy="let serviceTemplate.spec.type be ClusterIP, without externalIPs",
    ),
    Rule(
        id="postgres-pooler",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=("Pooler",),
        holds=every(
            Every(
                items(OBJECT, "spec", "pgbouncer", "pg_hba"),
                _LINE,
                every(Matches(_LINE, _HBA), Not(Matches(_LINE, "[\r\n]"))),
            ),
            Every(
                entries(OBJECT, "spec", "pgbouncer", "parameters"),
                _KEY,
                Not(Matches(_KEY, "^(auth_.*|(admin|stats)_users|(client|server)_tls_.*|.*_passwd)$")),
            ),
            Not(
                Matches(Default(text(OBJECT, "spec", "pgbouncer", "authQuery"), ""), "(?i)program|superuser")
            ),
            one_of(
                Default(text(OBJECT, "spec", "serviceTemplate", "spec", "type"), "ClusterIP"), "ClusterIP"
            ),
            empty(items(OBJECT, "spec", "serviceTemplate", "spec", "externalIPs")),
        ),
        protects="A pool in front of the database asks as much of its clients as the database does.",
        remedy="let pg_hba be hostssl, leave auth and TLS parameters out, and the Service a ClusterIP",
    ),
)
