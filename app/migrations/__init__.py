"""The history of the schema, and the way along it."""
