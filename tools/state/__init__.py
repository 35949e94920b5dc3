"""The place of a stack's state and secrets: this machine's own files, or a bucket with a KMS key."""
