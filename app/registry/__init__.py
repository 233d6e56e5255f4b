"""Model versions: what was trained and proven, and which version serves under which alias."""
