"""From a matrix of features to a verdict, and the release chain that says how. Pure.

`trees` reads a model and sums its leaves to the bit, `calibration` maps the sum to a probability,
`decide` applies the policy, `release` folds the chain of releases, `identity` names and hashes results.
"""
