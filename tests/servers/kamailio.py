"""A real Kamailio for tests: registrar, authentication, dialogs, accounting to PostgreSQL.

Debian: `kamailio`, `kamailio-postgres-modules`. Each test gets one of its own, on loopback, in
its own folder; the tables are made by the scripts that Kamailio's package brings.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import Final

import pytest
import sqlalchemy as sa
from attrs import define, field
from sqlalchemy.pool import NullPool

__all__ = ["SCRIPTS", "Kamailio", "kamailio", "make_tables"]

SCRIPTS: Final = Path("/usr/share/kamailio/postgres")
_START: Final = 30  # seconds that a start may take on a busy machine

_MODULES: Final = (
    "xhttp jsonrpcs kex corex tm tmx sl rr pv maxfwd textops siputils xlog"
    " db_postgres auth auth_db usrloc registrar alias_db dialog acc htable"
)
_CONFIG: Final = Template(r"""#!KAMAILIO
debug = 2
log_stderror = yes
children = 1
tcp_children = 1
fork = yes
listen = udp:127.0.0.1:$port
listen = tcp:127.0.0.1:$port
tcp_accept_no_cl = yes
auto_aliases = no
$modules
modparam("jsonrpcs", "transport", 7)
modparam("jsonrpcs", "pretty_format", 1)
modparam("jsonrpcs", "fifo_name", "$folder/rpc.fifo")
modparam("jsonrpcs", "dgram_socket", "$folder/rpc.sock")
modparam("auth_db|usrloc|alias_db|dialog|acc", "db_url", "$database")
modparam("auth_db", "calculate_ha1", 0)
modparam("auth_db", "password_column", "ha1")
modparam("auth_db|usrloc|alias_db", "use_domain", $use_domain)
modparam("usrloc", "db_mode", $db_mode)
modparam("usrloc", "timer_interval", 1)
modparam("dialog", "db_mode", 1)
modparam("acc", "log_flag", 1)
modparam("acc", "log_missed_flag", 2)
modparam("acc", "db_flag", 1)
modparam("acc", "db_missed_flag", 2)
modparam("acc", "detect_direction", $swaps)
modparam("acc", "log_extra",
  "src_user=$$fU;src_domain=$$fd;src_ip=$$si;dst_ouser=$$tU;dst_user=$$rU;dst_domain=$$rd")
modparam("acc", "db_extra",
  "src_user=$$fU;src_domain=$$fd;src_ip=$$si;dst_ouser=$$tU;dst_user=$$rU;dst_domain=$$rd")
modparam("acc", "cdr_enable", 1)
modparam("acc", "cdr_log_enable", 1)
modparam("acc", "cdrs_table", "acc_cdrs")
modparam("acc", "cdr_extra",
  "src_user=$$dlg_var(cu);src_domain=$$dlg_var(cd);dst_user=$$dlg_var(du);dst_domain=$$dlg_var(dd);callid=$$ci")
modparam("htable", "htable", "seen=>size=4;")

request_route {
  if (is_method("REGISTER")) {
    if (!auth_check("$$fd", "subscriber", "1")) {
      auth_challenge("$$fd", "0");
      exit;
    }
    save("location");
    exit;
  }
  if (has_totag()) {
    if (loose_route()) {
      if (is_method("BYE")) setflag(1);
      t_relay();
      exit;
    }
    if (is_method("ACK") && t_check_trans()) t_relay();
    exit;
  }
  if (is_method("CANCEL")) {
    if (t_check_trans()) t_relay();
    exit;
  }
  if (!is_method("INVITE")) {
    sl_send_reply("405", "Method Not Allowed");
    exit;
  }
  setflag(1);
  setflag(2);
  dlg_manage();
  $$dlg_var(cu) = $$fU;
  $$dlg_var(cd) = $$fd;
  $$dlg_var(du) = $$tU;
  $$dlg_var(dd) = $$td;
  xlog("L_INFO", "call from $$fu to $$ru src=$$si:$$sp ua=$$ua\n");
  record_route();
  alias_db_lookup("dbaliases");
  if (!lookup("location")) {
    send_reply("404", "Not Found");
    exit;
  }
  t_relay();
}

event_route[xhttp:request] {
  set_reply_close();
  set_reply_no_connect();
  if ($$hu =~ "^/RPC"
    && $$rb =~ "\"method\": \"(ul.lookup|ul.rm|dlg.list|core.modules|system.listMethods)\"") {
    jsonrpc_dispatch();
    exit;
  }
  xhttp_reply("403", "Forbidden", "text/plain", "no");
}
""")


@define
class Kamailio:
    """A server that runs, until `stop`.

    port      of SIP over UDP, and of RPC over HTTP
    database  the SQLAlchemy URL of its tables
    """

    folder: Path
    port: int
    database: str = field(repr=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def socket(self) -> str:
        """Where it takes RPC as datagrams."""
        return f"unix:{self.folder}/rpc.sock"

    @property
    def http(self) -> str:
        """Where it takes RPC over HTTP."""
        return f"http://127.0.0.1:{self.port}/RPC"

    @property
    def log(self) -> Path:
        """What it wrote."""
        return self.folder / "logs" / "kamailio.log"

    @property
    def engine(self) -> sa.Engine:
        """A way into its database."""
        return sa.create_engine(self.database, poolclass=NullPool)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.log.parent.mkdir(exist_ok=True)
        command = ["kamailio", "-f", "kamailio.cfg", "-Y", ".", "-w", ".", "-DD", "-E"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "-m", "32", "-M", "8"],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + _START
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"Kamailio did not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
            probe.settimeout(1)
            try:
                probe.bind("")
                probe.connect(str(self.folder / "rpc.sock"))
                probe.send(b'{"jsonrpc": "2.0", "method": "core.version", "id": 1}')
                return b"kamailio" in probe.recv(65536)
            except OSError:
                return False

    def stop(self) -> None:
        """End it and its children, if it runs."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_START)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._process = None


@contextmanager
def kamailio(
    folder: Path, database: str, *, db_mode: int = 2, use_domain: bool = True, swaps: bool = False
) -> Iterator[Kamailio]:
    """Run Kamailio on the tables of `database` (see `make_tables`); skip where it is absent.

    `db_mode` is that of usrloc: 0 only memory, 1 written through, 2 written back by a timer
    (every second here), 3 only the database. `swaps` is acc's `detect_direction`.
    """
    if shutil.which("kamailio") is None:
        pytest.skip("Kamailio is not installed: apt-get install kamailio")
    url = sa.make_url(database)
    port = _port()
    settings = {
        "folder": folder,
        "port": port,
        "modules": "\n".join(f'loadmodule "{each}.so"' for each in _MODULES.split()),
        "database": f"postgres://{url.username}@{url.host}:{url.port}/{url.database}",
        "db_mode": db_mode,
        "use_domain": int(use_domain),
        "swaps": int(swaps),
    }
    (folder / "kamailio.cfg").write_text(_CONFIG.substitute(settings), "utf-8")
    server = Kamailio(folder, port, database)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def make_tables(database: str) -> None:
    """Make all tables of Kamailio, with the columns that its own configuration example adds."""
    if not SCRIPTS.is_dir():
        pytest.skip("Kamailio's tables are not there: apt-get install kamailio-postgres-modules")
    extra = ("src_user", "src_domain", "src_ip", "dst_ouser", "dst_user", "dst_domain")
    engine = sa.create_engine(database, poolclass=NullPool)
    with engine.begin() as connection:
        cursor = connection.connection.cursor()
        for script in sorted(SCRIPTS.glob("*.sql"), key=lambda each: (not _is_first(each), each)):
            cursor.execute(script.read_text("utf-8"))
        for table, columns in (
            ("acc", extra),
            ("missed_calls", extra),
            ("acc_cdrs", ("src_user", "src_domain", "dst_user", "dst_domain", "callid")),
        ):
            for column in columns:
                cursor.execute(
                    f"ALTER TABLE {table} ADD COLUMN {column} VARCHAR(255) NOT NULL DEFAULT ''"
                )
    engine.dispose()


def _is_first(script: Path) -> bool:
    return script.name.startswith("standard-")  # the table `version`, which all others write to


def _port() -> int:
    """Return a port that is free for UDP and for TCP."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
        ):
            udp.bind(("127.0.0.1", 0))
            port = int(udp.getsockname()[1])
            with contextlib.suppress(OSError):
                tcp.bind(("127.0.0.1", port))
                return port
