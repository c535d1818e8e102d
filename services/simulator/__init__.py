"""Seeded traffic: a world of accounts, merchants and terminals with habits, and frauds among them.

``python -m services.simulator history --days N --end T --seed S --out DIR`` writes a past as Parquet files
for a load. ``python -m services.simulator`` goes on with the same world in real time: event time is the
clock, and labels come after their delay divided by ``speed``.

Topics in: none. Topics out: ``transactions``, ``labels``, ``status``.
State: none; a world follows from its seed, a live run from its seed and the moment it starts.
Failure: Kafka away for longer than the producer's patience ends the process, to be started again by its
supervisor; time that passed meanwhile stays without payments.
"""
