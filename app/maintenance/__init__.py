"""For operators: diagnose the installation, and remove what nothing needs any more."""
