"""Assaydesk: the desk where a model is assayed before it may be used."""

__version__ = "0.1.0"
