"""Opens Sextant's own DuckDB files and brings their tables up to date, step by step.

Owns the connection options and the names of our tables; must not know what is in them.
"""

from pathlib import Path
from typing import TypeAlias

import duckdb

from al_engine.errors import ProjectError, ProjectInUseError
from al_engine.public import most_memory_mb

Step = tuple[str, str]

ANSWER_STEPS: tuple[Step, ...] = (
    (
        "events",
        """
        CREATE TABLE event (
            seq BIGINT PRIMARY KEY,
            happened_at TIMESTAMP NOT NULL,
            kind VARCHAR NOT NULL,
            who VARCHAR NOT NULL,
            classifier VARCHAR,
            row_number BIGINT,
            object_id VARCHAR,
            label VARCHAR,
            how VARCHAR,
            part VARCHAR,
            strategy VARCHAR,
            round_number INTEGER,
            probability DOUBLE,
            seconds DOUBLE,
            undoes BIGINT,
            payload JSON
        )
        """,
    ),
    (
        "rounds",
        """
        CREATE TABLE scored_round (
            classifier VARCHAR NOT NULL,
            key VARCHAR NOT NULL,
            happened_at TIMESTAMP NOT NULL,
            n_labelled INTEGER NOT NULL,
            scores JSON NOT NULL,
            PRIMARY KEY (classifier, key)
        )
        """,
    ),
    ("confidence", "ALTER TABLE event ADD COLUMN confidence INTEGER"),
)


def connect(path: Path, steps: tuple[Step, ...]) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file and apply the steps it has not seen, each in a transaction of its own.

    Raises
    ------
    ProjectInUseError : another process holds the file
    ProjectError : the file is not ours, or damaged
    """
    try:
        connection = duckdb.connect(str(path), config=safe_options())
    except duckdb.IOException as error:
        if "could not set lock" in str(error).lower():
            raise ProjectInUseError(
                f"The project '{path.parent.name}' is open in another program.",
                "Close it there, or use the Sextant that already has it open.",
            ) from error
        raise _damaged(path) from error
    except duckdb.Error as error:
        raise _damaged(path) from error
    try:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_step "
            "(name VARCHAR PRIMARY KEY, applied_at TIMESTAMP)"
        )
        done = {name for (name,) in connection.execute("SELECT name FROM schema_step").fetchall()}
        for name, statement in steps:
            if name in done:
                continue
            connection.begin()
            connection.execute(statement)
            connection.execute("INSERT INTO schema_step VALUES (?, now()::TIMESTAMP)", [name])
            connection.commit()
    except duckdb.Error as error:
        connection.close()
        raise _damaged(path) from error
    return connection


Options: TypeAlias = dict[str, str | bool | int | float | list[str]]

# A catalogue is other people's data: nothing in it may reach the disk or the network.
_SAFE: Options = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "ieee_floating_point_ops": "true",
}


def safe_options() -> Options:
    """What every connection is opened with; where memory is shared, with a limit on it."""
    most = most_memory_mb()
    return _SAFE if most is None else {**_SAFE, "memory_limit": f"{most}MB"}


def _damaged(path: Path) -> ProjectError:
    return ProjectError(
        f"The project '{path.parent.name}' has a damaged file: {path.name}.",
        "Restore it from a copy, or remove the project's folder.",
    )


def quote(identifier: str) -> str:
    """An SQL identifier, whatever characters are in it."""
    return '"' + identifier.replace('"', '""') + '"'
