"""What we are compared with: PostgreSQL with its default settings, the SQLite shell, and bare synced writes."""

import contextlib
import csv
import glob
import io
import os
import shutil
import sqlite3
import subprocess
import time

LONG = 1800  # seconds after which a step that should have ended counts as failed
GROUP = 8 * 1024 * 1024  # bytes in a commit of bare writes, as in the aggregator's groups


class Wrong(Exception):
    """A result, not a time, is wrong, or a step failed."""


def _postgres_programs():
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda folder: int(folder.split("/")[4]))
    if not folders:
        raise Wrong("PostgreSQL is not installed (Debian: apt install postgresql)")
    return folders[-1]


def _as_nobody_special():
    """initdb refuses root."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []


def columns(indicators, kind):
    return ", ".join(f"{name} {kind}" for name in indicators)


def all_sums(indicators):
    return ", ".join(f"sum({name})" for name in indicators)


class Postgres:
    """A cluster of its own in a folder, as initdb makes it (fsync on), on a Unix socket."""

    def __init__(self, folder):
        self.folder, self.programs = folder, _postgres_programs()
        folder.mkdir()
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        self._control("initdb", "-D", folder / "data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8")
        try:
            self._control("pg_ctl", "-D", folder / "data", "-o", f"-k {folder} -c listen_addresses=''", "-w",
                          "-l", folder / "log", "start")
        except Wrong:
            self.close()
            raise

    def _control(self, program, *words):
        done = subprocess.run([*_as_nobody_special(), f"{self.programs}/{program}", *map(str, words)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              cwd=self.folder, timeout=LONG)
        if done.returncode != 0:
            raise Wrong(f"{program}: {done.stderr.decode()}")

    @property
    def pid(self):
        """Of the process whose children the sessions' are."""
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def close(self):
        with contextlib.suppress(Wrong):
            self._control("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "stop")

    def command(self, *options):
        """psql, reading nothing of the user's own."""
        return ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "--csv", "-h", str(self.folder), "-U", "postgres",
                "-d", "postgres", *options]

    def run(self, text):
        """One session; returns its lines."""
        done = subprocess.run(self.command(), input=text.encode(), capture_output=True, timeout=LONG)
        if done.returncode != 0:
            raise Wrong(f"psql: {done.stderr.decode()}")
        return list(csv.reader(io.StringIO(done.stdout.decode())))

    def make_table(self, indicators):
        """An empty one, with nothing of the last left to be written."""
        self.run("DROP TABLE IF EXISTS report; CREATE TABLE report (uscc text, period text, "
                 f"{columns(indicators, 'numeric')}, PRIMARY KEY (uscc, period)); CHECKPOINT;")

    def copy(self, paths):
        return "".join(f"\\copy report FROM '{path}' WITH (FORMAT csv, HEADER)\n" for path in paths)


def postgres_load(postgres, paths, indicators, at_once=False):
    """(seconds, sums by indicator) of copying the files into a fresh table and adding it up, by one session or by
    one for each file."""
    postgres.make_table(indicators)
    adding = f"SELECT period, {all_sums(indicators)} FROM report GROUP BY period;\n"
    begun = time.monotonic()
    if at_once:
        sessions = [subprocess.Popen(postgres.command("-c", postgres.copy([path]).strip())) for path in paths]
        if any([session.wait() for session in sessions]):
            raise Wrong("psql failed")
        lines = postgres.run(adding)
    else:
        lines = postgres.run(postgres.copy(paths) + adding)
    took = time.monotonic() - begun
    return took, dict(zip(indicators, map(int, lines[0][1:])))


def sqlite_load(folder, paths, indicators):
    """The same by the SQLite shell."""
    database = folder / "shell.db"
    database.unlink(missing_ok=True)
    making = (f"CREATE TABLE report (uscc TEXT, period TEXT, {columns(indicators, 'INTEGER')},"
              " PRIMARY KEY (uscc, period));\n.mode csv\n")
    loading = "".join(f".import --skip 1 {path} report\n" for path in paths)
    adding = f"SELECT period, {all_sums(indicators)} FROM report GROUP BY period;\n"
    begun = time.monotonic()
    done = subprocess.run(["sqlite3", "-batch", "-init", "/dev/null", database], input=(making + loading + adding).encode(),
                          capture_output=True, timeout=LONG)
    took = time.monotonic() - begun
    if done.returncode != 0 or not done.stdout:
        raise Wrong(f"sqlite3: {done.stderr.decode()}")
    return took, dict(zip(indicators, map(int, done.stdout.decode().split(",")[1:])))


def bare_writes(folder, blobs):
    """Seconds for writing these bytes into a fresh SQLite table, a synced commit for every 8 MiB: what disk and SQLite
    allow at most."""
    path = folder / "bare.db"
    for old in folder.glob("bare.db*"):
        old.unlink()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE blob (position INTEGER PRIMARY KEY, body BLOB)")
        begun, gathered = time.monotonic(), 0
        database.execute("BEGIN")
        for blob in blobs:
            database.execute("INSERT INTO blob (body) VALUES (?)", (blob,))
            gathered += len(blob)
            if gathered >= GROUP:
                database.execute("COMMIT")
                database.execute("BEGIN")
                gathered = 0
        database.execute("COMMIT")
        return time.monotonic() - begun
