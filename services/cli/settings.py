"""The command line's settings: ``ASSAY_CLI_<NAME>``, or ``ASSAY_<NAME>`` for those all services share."""

from __future__ import annotations

from pydantic import Field

from shared.runtime.settings import ServiceSettings


class CliSettings(ServiceSettings, service="cli"):
    """What the command line is told by its environment; options on the line win."""

    signing_key: str = Field("operator", description="name of the private key in the folder keys")
    operator: str = Field("operator", description="who acts, as releases and audit entries name it")
