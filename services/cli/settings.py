"""The command line's settings: ``ASSAY_CLI_<NAME>``, or ``ASSAY_<NAME>`` for those all services share."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shared.runtime.settings import ServiceSettings


class CliSettings(ServiceSettings, service="cli"):
    """What the command line is told by its environment; options on the line win."""

    signing_key: str = Field("operator", description="name of the private key in the folder keys")
    gateway: str = Field("", description="URL of the front door; empty: the running stack's")
    console: str = Field("", description="URL of the console; empty: the running stack's")
    console_key_file: Path | None = Field(
        None, description="file with the key that may manage the console's users; empty: the stack's own"
    )
    operator_key_file: Path | None = Field(
        None, description="file with the key that may manage keys; empty: the stack's own"
    )
    operator: str = Field("operator", description="who acts, as releases and audit entries name it")
