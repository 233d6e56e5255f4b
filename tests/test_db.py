from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from app.access import tables as _keys
from app.db import SCHEMA, Base, Sessions, check_schema, database_now
from app.jobs import service
from app.jobs import tables as _jobs
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


def test_time_is_the_databases_own_and_aware(sessions: Sessions) -> None:
    with sessions.writing() as session:
        first, second = database_now(session), database_now(session)
    assert first.tzinfo is not None
    assert first <= second
