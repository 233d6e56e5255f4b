"""The Open Inference Protocol, version 2, over REST: what /v2 answers."""
