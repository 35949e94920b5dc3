"""Pulumi against kubectl, Helm and OpenTofu: the same objects, one machine, one run, as ratios."""
