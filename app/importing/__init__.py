"""Makes data sets of what users upload."""
