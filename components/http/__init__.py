"""Tiers that serve HTTP, and the routes to them: Deployment, autoscaler, Ingress, Gateway."""
