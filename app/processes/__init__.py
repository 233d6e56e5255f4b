"""The processes of the service: how each is started, checked and kept alive."""
