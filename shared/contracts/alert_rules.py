"""THE table of alert rules: what each means, when it fires and clears, whose it is, what to do."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct


class AlertRule(Struct, frozen=True, kw_only=True):
    """A rule. It fires once its value was at or above ``on`` at ``fires_after`` looks in a row, and clears
    once it was at or below ``off`` at ``clears_after`` looks in a row; between the limits nothing changes.

    A rule of drift is looked at once a drift window, the others at each look of the monitor
    (``judge_every_ms``). ``subject`` says what it is judged for one by one, "" for the portfolio as a whole.
    """

    name: str
    meaning: str
    action: str
    owner: Literal["operator", "analyst", "data scientist"]
    unit: str
    on: float
    off: float
    fires_after: int = 1
    clears_after: int = 1
    subject: str = ""


RULES: Final = (
    AlertRule(
        name="caller_silent",
        meaning="A caller that pays at least once a minute sends nothing: the time since its last "
        "decision, over the larger of 60 s and 20 usual gaps.",
        action="Ask the caller's people. If all fall silent at once, look at the gateway first.",
        owner="operator",
        unit="ratio",
        on=1.0,
        off=0.5,
        subject="caller",
    ),
    AlertRule(
        name="dead_letters",
        meaning="Dead letters of the last 5 minutes, over dead letters and decisions together; at least 10.",
        action="`assay dlq list` shows them. A new schema of a caller is the usual cause.",
        owner="operator",
        unit="ratio",
        on=0.01,
        off=0.005,
        fires_after=2,
        clears_after=6,
    ),
    AlertRule(
        name="new_refusal",
        meaning="Dead letters of the last 5 minutes with a topic and reason that the day before had none "
        "of: a schema has changed, or somebody sends something new. It stands for a change of schema on the "
        "screens too; `assay simulate --scenario schema --caller checkout --for 5m` raises it.",
        action="Compare the caller's records with the topic's card; tell the caller, send again after a fix.",
        owner="operator",
        unit="records",
        on=1.0,
        off=0.0,
        clears_after=6,
        subject="topic and reason",
    ),
    AlertRule(
        name="latency_p99",
        meaning="99 of 100 decisions of the last 2 minutes came within this time of their append to the log; "
        "from 100 decisions on.",
        action="Look at worker_lag, the stages of the predictions, Redis and the machine; add a scorer.",
        owner="operator",
        unit="ms",
        on=1_000.0,
        off=500.0,
        fires_after=3,
        clears_after=6,
    ),
    AlertRule(
        name="decision_mix",
        meaning="The share of review and decline in the last 5 minutes against what a model scored in the "
        "hour before, the larger over the smaller; from 500 decisions on.",
        action="Look for a release, a drift alert or an attack; roll the release back if it is the cause.",
        owner="analyst",
        unit="ratio",
        on=2.0,
        off=1.5,
        fires_after=3,
        clears_after=6,
    ),
    AlertRule(
        name="worker_lag",
        meaning="Records of its partitions that an instance has not handled.",
        action="Add a worker of that service, or find what holds it: its status says what it waits for.",
        owner="operator",
        unit="records",
        on=20_000.0,
        off=5_000.0,
        fires_after=3,
        clears_after=3,
        subject="service and instance",
    ),
    AlertRule(
        name="cache_small",
        meaning="A scorer whose timelines do not fit into its cache reads whole logs again: records read "
        "back from Redis for each one handled, after timelines had to leave.",
        action="Raise ASSAY_SCORER_CACHE_BYTES (`assay doctor` says how much holds all), or add a scorer.",
        owner="operator",
        unit="records",
        on=50.0,
        off=20.0,
        fires_after=3,
        clears_after=3,
        subject="service and instance",
    ),
    AlertRule(
        name="service_down",
        meaning="Time since an instance last said how it is; who says that it stops is not missed.",
        action="`assay status`, then its log: the supervisor starts it again, unless it ends each time.",
        owner="operator",
        unit="s",
        on=10.0,
        off=5.0,
        subject="service and instance",
    ),
    AlertRule(
        name="drift_feature",
        meaning="PSI of a feature in one window against the champion's training; from 500 payments on.",
        action="See whether the data or the world changed: `new_refusal`, the caller's mix, a fraud pattern. "
        "Train anew if the world did.",
        owner="data scientist",
        unit="PSI",
        on=0.25,
        off=0.1,
        fires_after=2,
        clears_after=2,
        subject="feature",
    ),
    AlertRule(
        name="drift_score",
        meaning="PSI of the calibrated score in one window against the champion's training; from 500 "
        "payments on.",
        action="As drift_feature; thresholds meant for the old distribution may send too much to review.",
        owner="data scientist",
        unit="PSI",
        on=0.25,
        off=0.1,
        fires_after=2,
        clears_after=2,
    ),
)

_BY_NAME: Final = {rule.name: rule for rule in RULES}


def rule(name: str) -> AlertRule:
    """The rule called ``name``. Raises KeyError for one that is not in the table."""
    return _BY_NAME[name]
