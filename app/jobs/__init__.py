"""The job domain: what may be asked for, how a job lives, and who is told. It knows neither web nor torch."""
