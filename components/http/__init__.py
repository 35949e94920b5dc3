"""Tiers that serve HTTP, and the routes that lead to them: Deployment, autoscaler, Ingress, Gateway."""
