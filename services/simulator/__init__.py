"""A living bank: accounts with habits, the thieves that rob them, and labels that come late; from one seed.

``python -m services.simulator history --days N --end T --seed S --out DIR`` writes a past as Parquet files
for a load. ``python -m services.simulator`` goes on with the same world in real time: event time is the
clock, the rate is set, and labels come after their delay divided by ``speed``. A `ScenarioRequest` disturbs
live traffic for a while.

Topics in: ``requests`` (scenarios, from the end). Topics out: ``transactions``, ``activities``, ``labels``,
``status``.
State: none; a world follows from its seed, a live run from its seed and the moment it starts.
Failure: Kafka away for longer than the producer's patience ends the process, to be started again by its
supervisor; time that passed meanwhile stays without payments, and a scenario that was in force is over.
"""
