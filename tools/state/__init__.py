"""Where a stack's state and secrets are kept: this machine's own files, or a bucket with a KMS key."""
