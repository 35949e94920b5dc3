"""A store of objects on the local cluster, for backups: versitygw, S3 on the files of a volume."""
