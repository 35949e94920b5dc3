"""A stack file (`Pulumi.STACK.yaml`), read by the rules of Pulumi's engine."""
