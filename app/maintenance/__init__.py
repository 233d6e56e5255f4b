"""For operators: diagnose the installation, and remove artifacts and rows that nothing needs."""
