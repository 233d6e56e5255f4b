"""The neural networks: plain code that knows no web, no queue and no database."""
