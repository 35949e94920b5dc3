"""Pictures of a stack, drawn from its manifests: the namespace, and a setting on its way to fields."""
