"""The worker: a Celery task that claims jobs and runs them. It never loads the web layer."""
