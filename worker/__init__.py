"""The worker: Celery tasks that claim jobs and run them. It never loads the web layer."""
