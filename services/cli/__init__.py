"""The command `assay`: starts the house, feeds it, trains, looks and acts.

Topics in: ``candidates`` (cards of trainings it asked for), ``decisions``, ``dead-letters``, ``status``,
``releases``, ``audit``, read without a group. Topics out: ``transactions``, ``activities``,
``labels`` (loads, with their ticks), ``requests``, ``releases``, ``audit``.
State: none of its own; addresses come from the running stack's state file or from the environment.
Failure: an expected one is one sentence with the way out, exit code 1 (a fault was found), 2 (wrong use) or
3 (a dependency is away). A load that fails or is interrupted is ended on every partition all the same.
"""
