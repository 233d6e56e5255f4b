"""The job domain, shared by the API and the workers. It knows neither web nor torch."""
