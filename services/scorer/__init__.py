"""The hot path: transactions to decisions.

Topics in: ``transactions``, ``activities``, ``labels`` (one group per portfolio), ``releases`` (whole, no
group). Topics out: ``decisions``, ``flagged``, ``predictions``, ``captures`` (to the input's partition),
``dead-letters``, ``status``.
State: entity timelines in Redis, cached here, and cut when they hold much of what is forgotten; offsets and
event-time marks in Kafka's commits.
Failure: nothing is committed before its outputs are confirmed, so a killed worker's records come again and
give the same decisions. Redis away for longer than ``state_wait_ms``: payments are scored on what they carry
and flagged; what was missed is appended when Redis is back. A record our code fails on three times goes to
dead letters; more than 5 % of the last 1,000 stops the worker. One without partitions, or whose records stand
while nothing moves, for ``stuck_after_ms`` ends and is started again.
"""
