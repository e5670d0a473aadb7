"""The worker for untrusted models: a process of its own that reads data-only formats and answers in JSON."""
