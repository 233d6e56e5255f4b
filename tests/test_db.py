from collections.abc import Callable
from datetime import timedelta

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from app.access import tables as _keys
from app.db import SCHEMA, Base, Sessions, check_schema, database_now
from app.errors import DatabaseUnavailable, SchemaOutdated
from app.jobs import service
from app.jobs import tables as _jobs
from app.jobs.events import read_events
from app.jobs.specs import BackpropSweepSpec
from app.migrations.migrate import alembic_config
from app.registry import tables as _registry

__all__ = ["_jobs", "_keys", "_registry"]


def test_known_schema_is_the_newest_revision() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_current_head() == SCHEMA


def test_migrations_make_the_tables_that_the_code_describes(sessions: Sessions) -> None:
    check_schema(sessions)
    with sessions.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_migrations_go_down_and_up_again(sessions: Sessions) -> None:
    writing = sessions.engine.execution_options(writes=True)
    with writing.begin() as connection:
        command.downgrade(alembic_config(connection), "base")
    with sessions.engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    with writing.begin() as connection:
        command.upgrade(alembic_config(connection), "head")
    check_schema(sessions)


def test_migrations_keep_the_jobs_and_their_events(sessions: Sessions) -> None:
    spec = BackpropSweepSpec(kind="backprop_sweep")
    ids = [service.submit(sessions, spec)[0].id for _ in range(3)]
    writing = sessions.engine.execution_options(writes=True)
    for step, revision in ((command.downgrade, "0001"), (command.upgrade, "head")):
        with writing.begin() as connection:
            step(alembic_config(connection), revision)
        with sessions.engine.connect() as connection:
            found = connection.execute(text("SELECT job_id FROM job_events ORDER BY job_id"))
            assert list(found.scalars()) == ids


OLD_JOBS = """
    INSERT INTO jobs (id, kind, status, spec, queue, attempt, charged_attempts, events, turn, not_before, hinted_at,
        is_cancel_requested, created_at)
    VALUES
        ('a', 'backprop_sweep', 'running', '{}', 'sweeps', 3, 2, 1, '2026-01-01 00:00:00.000000', NULL,
            '2026-01-02 00:00:00.000000', false, '2026-01-01 00:10:00.000000'),
        ('b', 'mnist_training', 'queued', '{}', 'training', 1, 1, 1, '2026-01-03 00:00:00.000000',
            '2026-01-04 00:00:00.000000', NULL, false, '2026-01-03 00:00:00.000000')
"""
OLD_EVENTS = """
    INSERT INTO job_events (job_id, number, event, data, at)
    VALUES ('a', 1, 'status', '{}', '2026-01-01 00:10:00.000000'), ('b', 1, 'log', '{}', '2026-01-03 00:00:00.000000')
"""


def migrate(sessions: Sessions, step: Callable[[Config, str], None], revision: str) -> None:
    with sessions.engine.execution_options(writes=True).begin() as connection:
        step(alembic_config(connection), revision)


def test_renamed_columns_keep_the_values_of_an_older_database(sessions: Sessions) -> None:
    migrate(sessions, command.downgrade, "0004")
    with sessions.engine.execution_options(writes=True).begin() as connection:
        connection.execute(text("DELETE FROM jobs"))
        for statement in (OLD_JOBS, OLD_EVENTS):
            connection.exec_driver_sql(statement)
        before = connection.execute(text("SELECT turn, not_before, hinted_at, charged_attempts FROM jobs ORDER BY id"))
        old = [tuple(row) for row in before]
    migrate(sessions, command.upgrade, "head")
    with sessions.engine.connect() as connection:
        after = connection.execute(
            text("SELECT queue_order, run_after, notified_at, failed_attempts FROM jobs ORDER BY id")
        )
        assert [tuple(row) for row in after] == [(*old[0][:3], 1), old[1]]  # of two claims one still runs
    job = service.get(sessions, "b")
    assert (job.failed_attempts, job.notified_at, job.run_after) == (1, None, job.queue_order + timedelta(days=1))
    assert [len(read_events(sessions, job_id)[0]) for job_id in ("a", "b")] == [1, 1]
    assert "jobs_by_queue_order" in {index["name"] for index in inspect(sessions.engine).get_indexes("jobs")}
    migrate(sessions, command.downgrade, "0004")
    with sessions.engine.connect() as connection:
        again = connection.execute(text("SELECT turn, not_before, hinted_at, charged_attempts FROM jobs ORDER BY id"))
        assert [tuple(row) for row in again] == old


def test_process_of_another_schema_refuses_jobs_and_is_not_ready(sessions: Sessions) -> None:
    migrate(sessions, command.downgrade, "0004")  # as one of an older program sees a newer database
    with pytest.raises(SchemaOutdated, match="0004"):
        check_schema(sessions)
    with pytest.raises(DatabaseUnavailable):
        service.submit(sessions, BackpropSweepSpec(kind="backprop_sweep"))


def test_time_is_the_databases_own_and_aware(sessions: Sessions) -> None:
    with sessions.writing() as session:
        first, second = database_now(session), database_now(session)
    assert first.tzinfo is not None
    assert first <= second
