"""The HTTP server: everything that depends on uvicorn."""
