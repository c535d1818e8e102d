"""From captures and labels in the lake to a signed candidate model.

Topics in: ``requests`` (a Faust agent in a group per portfolio; raw bytes, our codec). Topics out:
``candidates`` (one card per request, also when it failed), ``dead-letters``, ``status``.
State: jobs in ``sql/trainer.db``, artefacts by content hash, unfinished work in ``run/trainer``.
Failure: a request is recorded in SQL before it is acknowledged, and a request id is trained once however
often it arrives. Each training runs in a child process that ends with this one; after a restart unfinished
jobs go on, and a card that stands on ``candidates`` is never announced again. A training that cannot give a
model (too few rows, no fraud) announces why; one that crashes three times, too.
"""
