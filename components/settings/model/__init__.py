"""The settings of a stack: one frozen, strict model, described field by field. It knows nothing of Pulumi."""
