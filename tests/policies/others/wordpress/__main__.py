import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

config = pulumi.Config()
host = config.get("host") or "blog.example.com"

namespace = k8s.core.v1.Namespace("blog")
in_namespace = {"namespace": namespace.metadata.name}

mysql_labels = {"app": "wordpress", "tier": "mysql"}
frontend_labels = {"app": "wordpress", "tier": "frontend"}

password = random.RandomPassword("mysql-password", length=20)
mysql_pass = k8s.core.v1.Secret(
    "mysql-pass",
    metadata=in_namespace,
    string_data={"password": password.result},
)
password_from_secret = {"secret_key_ref": {"name": mysql_pass.metadata.name, "key": "password"}}

mysql_data = k8s.core.v1.PersistentVolumeClaim(
    "mysql-data",
    metadata=in_namespace,
    spec={"access_modes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "20Gi"}}},
)
uploads = k8s.core.v1.PersistentVolumeClaim(
    "uploads",
    metadata=in_namespace,
    spec={"access_modes": ["ReadWriteMany"], "resources": {"requests": {"storage": "20Gi"}}},
)

mysql = k8s.apps.v1.Deployment(
    "mysql",
    metadata=in_namespace,
    spec={
        "selector": {"match_labels": mysql_labels},
        "strategy": {"type": "Recreate"},
        "template": {
            "metadata": {"labels": mysql_labels},
            "spec": {
                "security_context": {"run_as_non_root": True, "run_as_user": 999, "fs_group": 999},
                "containers": [
                    {
                        "name": "mysql",
                        "image": "mysql:8.0",
                        "env": [
                            {"name": "MYSQL_RANDOM_ROOT_PASSWORD", "value": "1"},
                            {"name": "MYSQL_DATABASE", "value": "wordpress"},
                            {"name": "MYSQL_USER", "value": "wordpress"},
                            {"name": "MYSQL_PASSWORD", "value_from": password_from_secret},
                        ],
                        "ports": [{"container_port": 3306, "name": "mysql"}],
                        "liveness_probe": {
                            "exec_": {"command": ["mysqladmin", "ping"]},
                            "initial_delay_seconds": 30,
                        },
                        "readiness_probe": {"tcp_socket": {"port": "mysql"}},
                        "resources": {
                            "requests": {"cpu": "500m", "memory": "512Mi"},
                            "limits": {"cpu": "1", "memory": "1Gi"},
                        },
                        "security_context": {"allow_privilege_escalation": False},
                        "volume_mounts": [{"name": "data", "mount_path": "/var/lib/mysql"}],
                    }
                ],
                "volumes": [
                    {"name": "data", "persistent_volume_claim": {"claim_name": mysql_data.metadata.name}}
                ],
            },
        },
    },
)
mysql_service = k8s.core.v1.Service(
    "mysql",
    metadata={**in_namespace, "name": "wordpress-mysql"},
    spec={"cluster_ip": "None", "ports": [{"port": 3306}], "selector": mysql_labels},
)
k8s.networking.v1.NetworkPolicy(
    "mysql-from-wordpress",
    metadata=in_namespace,
    spec={
        "pod_selector": {"match_labels": mysql_labels},
        "ingress": [
            {
                "from_": [{"pod_selector": {"match_labels": frontend_labels}}],
                "ports": [{"port": 3306}],
            }
        ],
    },
)

php = k8s.core.v1.ConfigMap(
    "php",
    metadata=in_namespace,
    data={"uploads.ini": "upload_max_filesize = 64M\npost_max_size = 64M\n"},
)
wordpress = k8s.apps.v1.Deployment(
    "wordpress",
    metadata=in_namespace,
    spec={
        "replicas": 2,
        "selector": {"match_labels": frontend_labels},
        "template": {
            "metadata": {"labels": frontend_labels},
            "spec": {
                "init_containers": [
                    {
                        "name": "wait-for-mysql",
                        "image": "busybox:1.36",
                        "command": ["sh", "-c", "until nc -z wordpress-mysql 3306; do sleep 2; done"],
                    }
                ],
                "containers": [
                    {
                        "name": "wordpress",
                        "image": "wordpress:latest",
                        "env": [
                            {"name": "WORDPRESS_DB_HOST", "value": "wordpress-mysql"},
                            {"name": "WORDPRESS_DB_USER", "value": "wordpress"},
                            {"name": "WORDPRESS_DB_PASSWORD", "value_from": password_from_secret},
                            {"name": "WORDPRESS_AUTH_KEY", "value": "put your unique phrase here"},
                        ],
                        "ports": [{"container_port": 80}],
                        "liveness_probe": {
                            "http_get": {"path": "/wp-login.php", "port": 80},
                            "initial_delay_seconds": 120,
                        },
                        "readiness_probe": {"http_get": {"path": "/wp-login.php", "port": 80}},
                        "resources": {"requests": {"cpu": "300m", "memory": "256Mi"}},
                        "volume_mounts": [
                            {"name": "uploads", "mount_path": "/var/www/html/wp-content/uploads"},
                            {
                                "name": "php",
                                "mount_path": "/usr/local/etc/php/conf.d/uploads.ini",
                                "sub_path": "uploads.ini",
                            },
                        ],
                    }
                ],
                "volumes": [
                    {"name": "uploads", "persistent_volume_claim": {"claim_name": uploads.metadata.name}},
                    {"name": "php", "config_map": {"name": php.metadata.name}},
                ],
            },
        },
    },
)
frontend = k8s.core.v1.Service(
    "wordpress",
    metadata={**in_namespace, "name": "wordpress"},
    spec={"type": "LoadBalancer", "ports": [{"port": 80}], "selector": frontend_labels},
)
k8s.autoscaling.v2.HorizontalPodAutoscaler(
    "wordpress",
    metadata=in_namespace,
    spec={
        "scale_target_ref": {"api_version": "apps/v1", "kind": "Deployment", "name": wordpress.metadata.name},
        "max_replicas": 5,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "average_utilization": 60}},
            }
        ],
    },
)
k8s.policy.v1.PodDisruptionBudget(
    "wordpress",
    metadata=in_namespace,
    spec={"min_available": 1, "selector": {"match_labels": frontend_labels}},
)
k8s.networking.v1.Ingress(
    "blog",
    metadata=in_namespace,
    spec={
        "rules": [
            {
                "host": host,
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "path_type": "Prefix",
                            "backend": {"service": {"name": frontend.metadata.name, "port": {"number": 80}}},
                        }
                    ]
                },
            }
        ]
    },
)

k8s.batch.v1.CronJob(
    "backup",
    metadata=in_namespace,
    spec={
        "schedule": "0 3 * * *",
        "job_template": {
            "spec": {
                "template": {
                    "metadata": {"labels": {"app": "backup"}},
                    "spec": {
                        "restart_policy": "OnFailure",
                        "containers": [
                            {
                                "name": "dump",
                                "image": "mysql:8.0",
                                "command": [
                                    "sh",
                                    "-c",
                                    "mysqldump -h wordpress-mysql -u wordpress wordpress > /backup/blog.sql",
                                ],
                                "env": [{"name": "MYSQL_PWD", "value_from": password_from_secret}],
                                "env_from": [{"secret_ref": {"name": "s3-credentials"}}],
                                "volume_mounts": [{"name": "backup", "mount_path": "/backup"}],
                            }
                        ],
                        "volumes": [{"name": "backup", "host_path": {"path": "/var/backups/mysql"}}],
                    },
                }
            }
        },
    },
)

pulumi.export("url", f"http://{host}")
