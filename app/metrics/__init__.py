"""The metrics of the service, summed exactly over all processes that serve HTTP."""
