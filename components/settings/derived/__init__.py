"""Numbers and shapes that follow from the settings alone: connections, quota, the Deployments of a tier."""
