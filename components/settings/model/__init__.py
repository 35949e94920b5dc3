"""What a stack may say: one frozen, strict model, described field by field. It knows nothing of Pulumi."""
