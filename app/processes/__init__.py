"""The processes of a service: how each is started, checked and kept alive."""
