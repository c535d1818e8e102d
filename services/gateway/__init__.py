"""The front door: payments, activities and labels over HTTP, and a payment's decision in its own request.

Topics in: ``decisions``, all partitions in every process, without a group; ``releases``, for the interim
action. Topics out: ``transactions``, ``activities``, ``labels``, ``answers``, ``audit``, ``status``.
State: in Redis what was answered (claims by tx_id, kept a day), answers that Kafka has not confirmed, and how
far each key is ahead of its rate; in SQL the keys. None of it is needed to score.
Failure: killed anywhere, a client that got no answer asks again, through any gateway, and gets the one
answer; what a killed gateway left unsent of ``answers``, another one sends. Kafka or Redis away: 503 with
``Retry-After``, and it goes on by itself. More than it can hold: 503, those that were let in stay fast.
"""
