"""What the service counts, exact over all processes that serve HTTP, in Prometheus' text format."""
