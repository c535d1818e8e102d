"""Requests in, jobs recorded, children started, cards announced."""
