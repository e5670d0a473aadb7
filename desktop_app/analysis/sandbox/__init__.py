"""The worker process in which untrusted models are read. Imports domain and itself only."""
