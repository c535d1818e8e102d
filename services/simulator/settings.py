"""The simulator's settings: ``ASSAY_SIMULATOR_<NAME>``, or ``ASSAY_<NAME>`` for those all services share."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from shared.runtime.settings import ServiceSettings


class SimulatorSettings(ServiceSettings, service="simulator"):
    """What a live run needs to know; seed, accounts and merchants also make the past."""

    seed: int = Field(1, ge=0, description="the world; the same one as its history's to go on with it")
    accounts: int = Field(20_000, ge=100, le=1_000_000, description="accounts that pay")
    merchants: int = Field(600, ge=20, le=100_000, description="merchants, each with 1 to 6 terminals")
    rate_per_s: float = Field(
        10.0, ge=0, le=20_000, description="payments per second; 0: as many as the world makes at speed"
    )
    speed: float = Field(
        600.0,
        gt=0,
        description="seconds of the world per second: 600 turns six days until a label into 14 minutes",
    )
    target: Literal["topic", "gateway"] = Field(
        "topic",
        description="where live traffic goes: straight to the topics, or over HTTP as applications send",
    )
    gateway_url: str = Field("http://127.0.0.1:8700", description="the front door, for the target gateway")
    gateway_key: SecretStr = Field(
        SecretStr(""), description="an API key that may send payments, activities and labels"
    )
    currency: str = Field("EUR", min_length=3, max_length=3, description="ISO 4217 code of every payment")
    step_ms: int = Field(50, ge=5, le=1_000, description="time between two batches of payments")
