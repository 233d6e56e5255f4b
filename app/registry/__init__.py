"""The model registry: versions, aliases with their history, and the rule of promotion."""
