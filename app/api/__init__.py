"""Everything that imports FastAPI: one file per resource."""
