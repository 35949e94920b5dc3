"""A digest of the whole configuration of an update, as an output of the stack.

It tells whether the stack is still deployed as it was: a rollback compares it before it undoes another
deployment. The key is a secret of the stack, so that no guess at a setting's secret value can be tried on it.
"""

from collections.abc import Mapping, Sequence

import pulumi

from .values import names

OUTPUT = "configuration"


def recorded(
    settings: Mapping[str, str], key: pulumi.Output[str], after: Sequence[pulumi.Resource]
) -> pulumi.Output[str]:
    """Return the digest, known when the resources in `after` are there.

    An update that fails before leaves the digest of the one before as it is.
    """
    known = pulumi.Output.all(key, *(resource.urn for resource in after))
    return pulumi.Output.unsecret(known.apply(lambda values: names.keyed_digest(str(values[0]), settings)))
