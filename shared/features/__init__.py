"""Portfolios compiled to feature sets, and the fold of entity timelines into their values. Pure."""
