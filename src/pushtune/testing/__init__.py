"""Shipped fakes, and one conformance suite per interface."""
