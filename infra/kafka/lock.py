"""Write `jgo.lock.toml` anew from `jgo.toml`: ``python -m infra.kafka.lock``, after a change of version.

Every jar is named with its version and sha256; jars that came from elsewhere or changed are refused when
the stack starts. The file names no host and no path, so it is the same wherever it was written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from jgo.env import EnvironmentSpec, LockFile
from jgo.env._lockfile import compute_spec_hash
from jgo.maven import MavenContext

FOLDER: Final = Path(__file__).parent
SPEC_PATH: Final = FOLDER / "jgo.toml"
LOCK_PATH: Final = FOLDER / "jgo.lock.toml"

RUN_SCOPES: Final = ("compile", "runtime")


def resolve(spec: EnvironmentSpec, context: MavenContext) -> LockFile:
    """The jars that ``spec`` needs at run time, each with its sha256. RuntimeError: no registry."""
    left_out = [context.project(*name.split(":")) for name in spec.exclusions]
    wanted = [context.create_dependency(coordinate, left_out) for coordinate in spec.coordinates]
    inputs, transitive = context.resolver.resolve(wanted)
    needed = {
        dependency.artifact.key: dependency
        for dependency in (*inputs, *transitive)
        if dependency in inputs or dependency.scope in RUN_SCOPES
    }
    return LockFile.from_resolved_dependencies(
        [needed[key] for key in sorted(needed)],
        environment_name=spec.name,
        java_version=spec.java_version,
        entrypoints=spec.entrypoints,
        default_entrypoint=spec.default_entrypoint,
        spec_hash=compute_spec_hash(SPEC_PATH),
    )


def main() -> None:
    """Resolve and write; the former file is replaced."""
    resolve(EnvironmentSpec.load(SPEC_PATH), MavenContext()).save(LOCK_PATH)


if __name__ == "__main__":
    main()
