"""Who may do what: API keys, the scopes they open, rate limits, and the decision about each request."""
