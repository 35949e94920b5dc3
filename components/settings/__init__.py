"""Settings: the model of a stack file, its reader, its reference, and what follows from it by arithmetic.

The only reader of `pulumi.Config`. It knows nothing of components.
"""
