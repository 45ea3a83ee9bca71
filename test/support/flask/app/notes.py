"""What the service keeps: notes, in its own database, or in memory where it has none."""

import configparser
import os
import time

from sqlalchemy import String, create_engine, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import StaticPool


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(500))
    author: Mapped[str] = mapped_column(String(100))


class Notes:
    def __init__(self, connection_string):
        self.postgresql = connection_string is not None
        if connection_string is None:
            # All threads see the one connection: another one would be an empty database.
            self._engine = create_engine(
                "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
            )
        else:
            self._engine = create_engine(connection_string, pool_pre_ping=True)
        Base.metadata.create_all(self._engine)

    def add(self, note, author):
        with Session(self._engine) as session:
            session.add(Note(text=note[:500], author=author[:100]))
            session.commit()

    def latest(self, count=20):
        with Session(self._engine) as session:
            return list(session.scalars(select(Note).order_by(Note.id.desc()).limit(count)))

    def measure(self):
        """Milliseconds the database takes to answer; raises when it does not."""
        start = time.monotonic()
        with self._engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        return round((time.monotonic() - start) * 1000, 2)


def install(app):
    parser = configparser.RawConfigParser()
    parser.read(os.path.join(app.instance_path, "flasky.conf"))
    app.notes = Notes(parser.get("database", "connection_string", fallback=None))
