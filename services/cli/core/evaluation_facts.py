"""What every number of an evaluation is printed with."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from services.cli.core.evaluation import Draws, Measured
from services.cli.core.numbers import moment, plain
from shared.evaluation.assessment import Point, Terms
from shared.evaluation.payments import Payments
from shared.evaluation.sweep import DAY_MS, HOUR_MS

MINUTE_MS = 60_000


class Money(Struct, frozen=True, kw_only=True):
    """The currency of amounts and the digits of its minor unit."""

    currency: str
    digits: int

    def told(self, minor: float) -> str:
        """An amount in whole units."""
        return f"{minor / 10**self.digits:,.0f} {self.currency}"

    def exact(self, minor: int) -> str:
        """An amount to the minor unit."""
        return f"{minor / 10**self.digits:,.{self.digits}f} {self.currency}"


class Facts(Struct, frozen=True, kw_only=True):
    """Whom the numbers are about and what they are taken at. Times in UTC ms."""

    portfolio: str
    models: list[str]
    population: str
    from_ms: int
    to_ms: int
    payments: int
    frauds: int
    accounts: int
    fraud_accounts: int
    genuine_accounts: int
    labels_known_until_ms: int | None
    maturity_days: int
    mature_ratio: float | None
    point: Point
    terms: Terms
    draws: Draws
    money: Money


def facts_of(
    payments: Payments,
    *,
    portfolio: str,
    models: tuple[str, ...],
    population: str,
    known_until_ms: int | None,
    maturity_days: int,
    point: Point,
    terms: Terms,
    draws: Draws,
    money: Money,
) -> Facts:
    """The facts of an evaluation of at least one payment.

    A payment is mature once it is ``maturity_days`` older than the last label that was known.
    """
    times = payments.event_ms
    until = None if known_until_ms is None else known_until_ms - maturity_days * DAY_MS
    return Facts(
        portfolio=portfolio,
        models=list(models),
        population=population,
        from_ms=int(times.min()),
        to_ms=int(times.max()),
        payments=len(times),
        frauds=int(payments.fraud.sum()),
        accounts=payments.accounts,
        fraud_accounts=int(payments.fraud_account.sum()),
        genuine_accounts=int(payments.genuine_account.sum()),
        labels_known_until_ms=known_until_ms,
        maturity_days=maturity_days,
        mature_ratio=None if until is None else float((times <= until).mean()),
        point=point,
        terms=terms,
        draws=draws,
        money=money,
    )


def fact_rows(facts: Facts, found: Sequence[Measured]) -> list[tuple[str, str]]:
    """Name and sentence of each fact, in the order of a reader's questions."""
    costs, sampling, draws = facts.terms.costs, facts.terms.sampling, facts.draws
    known, margin = facts.labels_known_until_ms, f"{costs.margin_ppm / 1e4:g} %"
    rows = [
        ("model", ", against ".join(facts.models)),
        (
            "payments",
            f"{facts.payments:,} from {moment(facts.from_ms)} to {moment(facts.to_ms)}, {facts.population}",
        ),
        ("accounts", _accounts(facts)),
        ("labels", "none" if known is None else f"as known until {moment(known)}; {_mature(facts)}"),
        ("threshold", f"{_point(facts.point)}; {_thresholds(found[0])}"),
        ("contact period", span(facts.terms.contact_ms)),
        (
            "net saving",
            f"{facts.money.exact(costs.contact_minor)} a contact, {margin} of money wrongly declined",
        ),
    ]
    if sampling.fraud_ratio != 1 or sampling.genuine_ratio != 1:
        told = f"{sampling.fraud_ratio:g} of fraud, {sampling.genuine_ratio:g} of other accounts are here"
        rows.append(("sampling", told))
    if draws.samples:
        told = f"{draws.level:.0%} of {draws.samples} draws of accounts, seed {draws.seed}"
        rows.append(("intervals", told))
    return rows


def span(time_ms: int) -> str:
    """A time in the largest unit that divides it: 30 d, 6 h, 90 min, 250 ms."""
    for unit, size in (("d", DAY_MS), ("h", HOUR_MS), ("min", MINUTE_MS)):
        if time_ms % size == 0:
            return f"{time_ms // size} {unit}"
    return f"{time_ms} ms"


def _accounts(facts: Facts) -> str:
    neither = facts.accounts - facts.fraud_accounts - facts.genuine_accounts
    told = f"{facts.fraud_accounts:,} with a reported fraud, {facts.genuine_accounts:,} never reported"
    return told + (f", {neither:,} reported outside these payments left out" if neither else "")


def _mature(facts: Facts) -> str:
    share = "-" if facts.mature_ratio is None else f"{facts.mature_ratio:.0%}"
    return f"{share} of payments {facts.maturity_days} d older (mature)"


def _point(point: Point) -> str:
    return f"best with AFPR at most {point.afpr_limit:g}" if point.score is None else "as given"


def _thresholds(found: Measured) -> str:
    told = []
    for trigger, threshold in found.thresholds.items():
        probability = "" if threshold.probability is None else f" (probability {threshold.probability:.4f})"
        score = "none" if threshold.score is None else f"score {plain(threshold.score)}{probability}"
        told.append(f"{trigger} {score}")
    return ", ".join(told)
