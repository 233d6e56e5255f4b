"""The HTTP server: everything that depends on uvicorn and its event loop."""
