"""What the cases share: the server's state, and a database."""

import os
import time
import unittest

import pymysql
import requests
from dtmcli import utils

import branches

DTM = os.environ["DTM_HTTP"] + "/api/dtmsvr"
PATIENCE = 20  # seconds; only a failing case waits that long

SCHEMA = (
    "create database if not exists dtm_barrier default character set utf8mb4",
    """create table if not exists dtm_barrier.barrier(
        id bigint(22) primary key auto_increment, trans_type varchar(45) default '', gid varchar(128) default '',
        branch_id varchar(128) default '', op varchar(45) default '', barrier_id varchar(45) default '',
        reason varchar(45) default '', create_time datetime default now(), update_time datetime default now(),
        key(create_time), key(update_time), unique key(gid, branch_id, op, barrier_id)) engine = InnoDB""",
    "create database if not exists compat default character set utf8mb4",
    "create table if not exists compat.account(name varchar(128) primary key, balance int not null) engine = InnoDB",
)


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.gid = utils.gen_gid(DTM)

    def look(self):
        return requests.get(DTM + "/query", params={"gid": self.gid}, timeout=5).json()

    def status(self):
        return (self.look()["transaction"] or {"status": "unknown"})["status"]

    def await_status(self, status):
        """Waits until the transaction has this status."""
        deadline = time.monotonic() + PATIENCE
        while (now := self.status()) != status:
            if time.monotonic() >= deadline:
                self.fail(f"expected status: {status}, but it is: {now}; calls: {branches.of(self.gid)}; {self.look()}")
            time.sleep(0.01)

    def expect_calls(self, *want):
        self.assertEqual(branches.of(self.gid), list(want))

    def expect_rows(self, *want):
        rows = [f"{row['branch_id']} {row['op']} {row['status']}" for row in self.look()["branches"]]
        self.assertEqual(rows, list(want))


class DatabaseCase(Case):
    """A case with accounts in a MariaDB, 100 in each at first."""

    def setUp(self):
        if not os.environ.get("MARIADB_HOST"):
            why = "no MariaDB; start it: bash tests/services/mariadb.sh start"
            self.fail(why) if os.environ.get("CI") else self.skipTest(why)
        super().setUp()
        with connect() as connection, connection.cursor() as cursor:
            for statement in SCHEMA:
                cursor.execute(statement)

    def open_accounts(self, *names):
        with connect() as connection, connection.cursor() as cursor:
            for name in names:
                cursor.execute("insert into compat.account(name, balance) values(%s, 100)", (self.gid + name,))
            connection.commit()

    def expect_balance(self, name, want):
        with connect() as connection, connection.cursor() as cursor:
            cursor.execute("select balance from compat.account where name = %s", (self.gid + name,))
            self.assertEqual(cursor.fetchone()[0], want, name)


def connect():
    return pymysql.connect(
        host=os.environ["MARIADB_HOST"],
        port=int(os.environ["MARIADB_PORT"]),
        user=os.environ["MARIADB_USER"],
        password=os.environ["MARIADB_PASSWORD"],
    )


def adjust(cursor, gid, name, amount):
    cursor.execute("update compat.account set balance = balance + %s where name = %s", (amount, gid + name))
