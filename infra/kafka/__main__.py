"""Topics by hand, as the fix commands of `topics` name them: ``python -m infra.kafka set --topic ...``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from shared.contracts.access import AccessRefused
from shared.contracts.addresses import KafkaAddress

from . import grants
from .access import Grant
from .broker import BrokerAwayError, create, recreate, set_configs
from .topics import TopicState

GRANTING: Final = {"grant": "create an ACL", "revoke": "delete an ACL"}


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 2 wrong use, 3 the broker is away or refuses."""
    told = _parser().parse_args(words)
    kafka = _address(told)
    try:
        if told.verb in GRANTING:
            one = Grant(*told.words)
            (grants.grant if told.verb == "grant" else grants.revoke)(kafka, one)
            print(f"{told.verb} {one}: done")
            return 0
        configs = dict(setting.split("=", 1) for setting in told.settings)
        if told.verb == "set":
            set_configs(kafka, told.topic, configs)
        else:
            topic = TopicState(told.topic, told.partitions, told.replicas, configs)
            (recreate if told.verb == "recreate" else create)(kafka, topic)
    except (BrokerAwayError, AccessRefused) as error:
        print(error, file=sys.stderr)
        return 3
    print(f"{told.topic}: done")
    return 0


def _address(told: argparse.Namespace) -> KafkaAddress:
    path = told.password_file
    password = path.read_text(encoding="utf-8").strip() if path else ""
    return KafkaAddress(told.bootstrap, told.user, password, str(path or ""))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.kafka", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    helps = {
        "create": "create a topic",
        "recreate": "delete a topic WITH ITS RECORDS and create it again",
        "set": "change settings of a topic that exists",
    }
    for verb, meaning in GRANTING.items():
        command = _command(verbs, verb, meaning)
        command.add_argument("words", nargs=len(Grant._fields), metavar="WORD", help=f"{Grant._fields}")
    for verb, meaning in helps.items():
        command = _command(verbs, verb, meaning)
        command.add_argument("--topic", required=True)
        command.add_argument(
            "settings", nargs="*" if verb != "set" else "+", help="name=value", type=_setting
        )
        if verb != "set":
            command.add_argument("--partitions", type=int, required=True)
            command.add_argument("--replicas", type=int, default=1)
        if verb == "recreate":
            command.add_argument("--yes", action="store_true", required=True, help="its records are lost")
    return parser


def _command(verbs: Any, verb: str, meaning: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = verbs.add_parser(verb, help=meaning)
    command.add_argument("--bootstrap", required=True, help="host:port of the broker")
    command.add_argument("--user", default="", help="principal to sign in as; it must be the operator")
    command.add_argument("--password-file", type=Path, help="file with that principal's password")
    return command


def _setting(word: str) -> str:
    if "=" not in word:
        raise argparse.ArgumentTypeError(f"{word} is not name=value")
    return word


if __name__ == "__main__":
    sys.exit(main())
