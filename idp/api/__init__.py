"""JSON for administration and self-service, under /api/v1."""
