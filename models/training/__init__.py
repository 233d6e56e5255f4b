"""Training the networks and turning them into files that can be served. Everything here may load torch."""
