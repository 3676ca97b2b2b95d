package compat

import (
	"database/sql"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/dtm-labs/dtm/client/dtmcli"
	_ "github.com/go-sql-driver/mysql" // the driver that the SDK opens by name
)

// The statement of DTM's documents for a barrier table, and a table of accounts.
var schema = []string{
	`create database if not exists dtm_barrier default character set utf8mb4`,
	`create table if not exists dtm_barrier.barrier(
		id bigint(22) primary key auto_increment, trans_type varchar(45) default '', gid varchar(128) default '',
		branch_id varchar(128) default '', op varchar(45) default '', barrier_id varchar(45) default '',
		reason varchar(45) default '', create_time datetime default now(), update_time datetime default now(),
		key(create_time), key(update_time), unique key(gid, branch_id, op, barrier_id)) engine = InnoDB`,
	`create database if not exists compat default character set utf8mb4`,
	`create table if not exists compat.account(
		name varchar(128) primary key, balance int not null) engine = InnoDB`,
}

var makeSchema sync.Once

func databaseConf() dtmcli.DBConf {
	port, _ := strconv.ParseInt(os.Getenv("MARIADB_PORT"), 10, 64)
	return dtmcli.DBConf{
		Driver:   dtmcli.DBTypeMysql,
		Host:     os.Getenv("MARIADB_HOST"),
		Port:     port,
		User:     os.Getenv("MARIADB_USER"),
		Password: os.Getenv("MARIADB_PASSWORD"),
	}
}

func openDatabase() *sql.DB {
	conf := databaseConf()
	db, err := sql.Open("mysql", fmt.Sprintf("%s:%s@tcp(%s:%d)/", conf.User, conf.Password, conf.Host, conf.Port))
	if err != nil {
		panic(err)
	}
	return db
}

// The database with its tables. Without one the case cannot run.
func database(t *testing.T) *sql.DB {
	t.Helper()
	if os.Getenv("MARIADB_HOST") == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no MariaDB; start it: bash tests/services/mariadb.sh start")
		}
		t.Skip("SKIPPED (no MariaDB; start it: bash tests/services/mariadb.sh start)")
	}
	db := openDatabase()
	t.Cleanup(func() { _ = db.Close() })
	makeSchema.Do(func() {
		for _, statement := range schema {
			_, err := db.Exec(statement)
			expectNil(t, "schema", err)
		}
	})
	return db
}

// Opens an account with a balance of 100 for each name; accounts belong to one transaction.
func openAccounts(t *testing.T, db *sql.DB, gid string, names ...string) {
	t.Helper()
	for _, name := range names {
		_, err := db.Exec("insert into compat.account(name, balance) values(?, 100)", gid+name)
		expectNil(t, "account", err)
	}
}

// Both *sql.DB and *sql.Tx.
type executor interface {
	Exec(query string, args ...interface{}) (sql.Result, error)
}

func adjust(db executor, gid, name string, amount int) error {
	_, err := db.Exec("update compat.account set balance = balance + ? where name = ?", amount, gid+name)
	return err
}

func expectBalance(t *testing.T, db *sql.DB, gid, name string, want int) {
	t.Helper()
	var balance int
	expectNil(t, "balance", db.QueryRow("select balance from compat.account where name = ?", gid+name).Scan(&balance))
	expectEqual(t, "balance of "+name, balance, want)
}

// No branch of this transaction is still prepared in the database.
func expectNothingPrepared(t *testing.T, db *sql.DB, gid string) {
	t.Helper()
	rows, err := db.Query("xa recover")
	expectNil(t, "xa recover", err)
	defer rows.Close()
	for rows.Next() {
		var format, globalLength, branchLength int
		var data string
		expectNil(t, "xa recover", rows.Scan(&format, &globalLength, &branchLength, &data))
		if strings.Contains(data, gid) {
			t.Errorf("still prepared in the database: %s", data)
		}
	}
	expectNil(t, "xa recover", rows.Err())
}
