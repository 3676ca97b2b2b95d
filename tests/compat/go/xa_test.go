package compat

import (
	"database/sql"
	"testing"

	"github.com/dtm-labs/dtm/client/dtmcli"
	"github.com/dtm-labs/dtm/client/dtmcli/dtmimp"
	"github.com/dtm-labs/dtm/client/dtmgrpc"
	"github.com/go-resty/resty/v2"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// A branch of an XA transaction that adds to an account; the second phase comes to the same address.
func adjusts(account string, amount int, result error) answer {
	return func(c *call) error {
		change := func(db *sql.DB) error {
			if err := adjust(db, c.gid, account, amount); err != nil {
				return err
			}
			return result
		}
		if c.context != nil {
			return dtmgrpc.XaLocalTransaction(c.context, databaseConf(), func(db *sql.DB, _ *dtmgrpc.XaGrpc) error {
				return change(db)
			})
		}
		return dtmcli.XaLocalTransaction(c.query, databaseConf(), func(db *sql.DB, _ *dtmcli.Xa) error {
			return change(db)
		})
	}
}

func runXA(p protocol, gid string, names ...string) error {
	return runXAWith(p, gid, func(*dtmimp.TransBase) {}, func() {}, names...)
}

// Calls `then` after the last branch, before it submits.
func runXAWith(p protocol, gid string, with func(*dtmimp.TransBase), then func(), names ...string) error {
	if p == overGRPC {
		custom := func(xa *dtmgrpc.XaGrpc) { with(&xa.TransBase) }
		return dtmgrpc.XaGlobalTransaction2(p.server(), gid, custom, func(xa *dtmgrpc.XaGrpc) error {
			for _, name := range names {
				err := xa.CallBranch(wrapperspb.String("for "+name), p.url(name), &emptypb.Empty{})
				if err = dtmgrpc.GrpcError2DtmError(err); err != nil {
					return err
				}
			}
			then()
			return nil
		})
	}
	custom := func(xa *dtmcli.Xa) { with(&xa.TransBase) }
	return dtmcli.XaGlobalTransaction2(p.server(), gid, custom, func(xa *dtmcli.Xa) (*resty.Response, error) {
		var response *resty.Response
		for _, name := range names {
			var err error
			if response, err = xa.CallBranch(payload{"for " + name}, p.url(name)); err != nil {
				return response, err
			}
		}
		then()
		return response, nil
	})
}

func TestXAIsCommitted(t *testing.T) {
	db := database(t)
	each(t, httpAndGRPC, func(t *testing.T, p protocol) {
		gid := newGid(p)
		openAccounts(t, db, gid, "A", "B")
		branches.on(gid, "out", adjusts("A", -30, nil))
		branches.on(gid, "in", adjusts("B", 30, nil))
		expectNil(t, "XaGlobalTransaction", runXA(p, gid, "out", "in"))
		v := await(t, gid, "succeed")
		branches.expect(t, gid,
			"xa action 01 out(for out)", "xa action 02 in(for in)", "xa commit 01 out()", "xa commit 02 in()")
		expectEqual(t, "rows", v.rows(), []string{
			"01 rollback prepared", "01 commit succeed", "02 rollback prepared", "02 commit succeed",
		})
		expectBalance(t, db, gid, "A", 70)
		expectBalance(t, db, gid, "B", 130)
		expectNothingPrepared(t, db, gid)
	})
}

func TestXAIsRolledBack(t *testing.T) {
	db := database(t)
	each(t, httpAndGRPC, func(t *testing.T, p protocol) {
		gid := newGid(p)
		openAccounts(t, db, gid, "A", "B")
		branches.on(gid, "out", adjusts("A", -30, nil))
		branches.on(gid, "in", adjusts("B", 30, dtmcli.ErrFailure))
		expectError(t, "XaGlobalTransaction", runXA(p, gid, "out", "in"), "FAILURE")
		v := await(t, gid, "failed")
		// The second branch failed before it registered itself.
		branches.expect(t, gid, "xa action 01 out(for out)", "xa action 02 in(for in)", "xa rollback 01 out()")
		expectEqual(t, "rows", v.rows(), []string{"01 rollback succeed", "01 commit prepared"})
		expectBalance(t, db, gid, "A", 100)
		expectBalance(t, db, gid, "B", 100)
		expectNothingPrepared(t, db, gid)
	})
}

func TestXAIsRolledBackWhenTheClientDies(t *testing.T) {
	db := database(t)
	each(t, httpAndGRPC, func(t *testing.T, p protocol) {
		gid := newGid(p)
		openAccounts(t, db, gid, "A")
		branches.on(gid, "out", adjusts("A", -30, nil))
		diesAsClient(t, "xa", p, gid)
		expectEqual(t, "status after the death", look(t, gid).status(), "prepared")
		await(t, gid, "failed")
		branches.expect(t, gid, "xa action 01 out(for out)", "xa rollback 01 out()")
		expectBalance(t, db, gid, "A", 100)
		expectNothingPrepared(t, db, gid)
	})
}
