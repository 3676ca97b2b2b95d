package compat

import (
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/dtm-labs/dtm/client/dtmcli"
	"github.com/dtm-labs/dtm/client/dtmcli/dtmimp"
	"github.com/dtm-labs/dtm/client/dtmgrpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// What the cases need of a message; both of the SDK's kinds have it.
type message interface {
	Prepare(queryPrepared string) error
	Submit() error
	DoAndSubmitDB(queryPrepared string, db *sql.DB, business dtmcli.BarrierBusiFunc) error
}

// A message for these branches, "topic://..." among them, with the payload "for NAME".
func newMessage(p protocol, gid string, with func(*dtmcli.Msg), names ...string) message {
	if p == overGRPC {
		m := dtmgrpc.NewMsgGrpc(p.server(), gid)
		for _, name := range names {
			m.Add(addressOf(p, name), wrapperspb.String("for "+name))
		}
		with(&m.Msg)
		return m
	}
	m := dtmcli.NewMsg(p.server(), gid)
	if p == overJSONRPC {
		m.Protocol = dtmimp.Jrpc
	}
	for _, name := range names {
		m.Add(addressOf(p, name), payload{"for " + name})
	}
	with(m)
	return m
}

func plain(*dtmcli.Msg) {}

// Asks back after three seconds instead of 35.
func impatient(m *dtmcli.Msg) { soon(&m.TransBase) }

// The back-check of the SDK.
func asksBarrier(db *sql.DB) answer {
	return func(c *call) error {
		barrier, err := barrierOf(c)
		if err != nil {
			return err
		}
		return barrier.QueryPrepared(db)
	}
}

func withdraws(gid string, result error) dtmcli.BarrierBusiFunc {
	return func(tx *sql.Tx) error {
		if err := adjust(tx, gid, "A", -30); err != nil {
			return err
		}
		return result
	}
}

func TestMessageIsDoneAndSubmitted(t *testing.T) {
	db := database(t)
	each(t, all, func(t *testing.T, p protocol) {
		gid := newGid(p)
		openAccounts(t, db, gid, "A")
		err := newMessage(p, gid, plain, "in", "mail").DoAndSubmitDB(p.url("query"), db, withdraws(gid, nil))
		expectNil(t, "DoAndSubmitDB", err)
		v := await(t, gid, "succeed")
		branches.expect(t, gid, "msg action 01 in(for in)", "msg action 02 mail(for mail)")
		expectEqual(t, "rows", v.rows(), []string{"01 action succeed", "02 action succeed"})
		expectBalance(t, db, gid, "A", 70)
	})
}

func TestMessageIsAbortedWhenTheBusinessFails(t *testing.T) {
	db := database(t)
	each(t, all, func(t *testing.T, p protocol) {
		gid := newGid(p)
		openAccounts(t, db, gid, "A")
		m := newMessage(p, gid, plain, "in")
		err := m.DoAndSubmitDB(p.url("query"), db, withdraws(gid, dtmcli.ErrFailure))
		expectError(t, "DoAndSubmitDB", err, "FAILURE")
		v := await(t, gid, "failed")
		branches.expect(t, gid)
		expectEqual(t, "rows", v.rows(), []string{"01 action prepared"})
		expectBalance(t, db, gid, "A", 100)
		expectError(t, "Submit afterwards", m.Submit(), "FAILURE")
	})
}

func TestMessageWhoseBusinessEndsUnknownIsAskedForByTheClient(t *testing.T) {
	db := database(t)
	each(t, httpAndGRPC, func(t *testing.T, p protocol) {
		gid := newGid(p)
		openAccounts(t, db, gid, "A")
		branches.on(gid, "query", asksBarrier(db))
		err := newMessage(p, gid, plain, "in").DoAndSubmitDB(p.url("query"), db, withdraws(gid, errors.New("unknown")))
		expectError(t, "DoAndSubmitDB", err, "unknown")
		await(t, gid, "failed")
		branches.expect(t, gid, "msg msg 00 query()")
		expectBalance(t, db, gid, "A", 100)
	})
}

func TestMessageIsDeliveredWhenTheClientDiesAfterItsCommit(t *testing.T) {
	db := database(t)
	each(t, httpAndGRPC, func(t *testing.T, p protocol) {
		gid := newGid(p)
		openAccounts(t, db, gid, "A")
		branches.on(gid, "query", asksBarrier(db))
		diesAsClient(t, "message-committed", p, gid)
		expectEqual(t, "status after the death", look(t, gid).status(), "prepared")
		await(t, gid, "succeed")
		branches.expect(t, gid, "msg msg 00 query()", "msg action 01 in(for in)")
		expectBalance(t, db, gid, "A", 70)
	})
}

func TestMessageIsDroppedWhenTheClientDiesBeforeItsCommit(t *testing.T) {
	db := database(t)
	each(t, httpAndGRPC, func(t *testing.T, p protocol) {
		gid := newGid(p)
		openAccounts(t, db, gid, "A")
		branches.on(gid, "query", asksBarrier(db))
		diesAsClient(t, "message-uncommitted", p, gid)
		expectEqual(t, "status after the death", look(t, gid).status(), "prepared")
		await(t, gid, "failed")
		branches.expect(t, gid, "msg msg 00 query()")
		expectBalance(t, db, gid, "A", 100)
	})
}

func TestMessageIsDelayed(t *testing.T) {
	each(t, all, func(t *testing.T, p protocol) {
		gid, begun := newGid(p), time.Now()
		late := func(m *dtmcli.Msg) { m.SetDelay(2) }
		expectNil(t, "Submit", newMessage(p, gid, late, "in").Submit())
		expectEqual(t, "status at first", look(t, gid).status(), "submitted")
		await(t, gid, "succeed")
		branches.expect(t, gid, "msg action 01 in(for in)")
		if after := branches.of(gid)[0].at.Sub(begun); after < 2*time.Second || after > 6*time.Second {
			t.Errorf("delivered after %v, expected 2 to 6 seconds", after)
		}
	})
}
