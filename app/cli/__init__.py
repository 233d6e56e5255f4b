"""The command line: what runs the service, what asks a running one, and what operators need."""
