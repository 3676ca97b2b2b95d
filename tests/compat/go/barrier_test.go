package compat

import (
	"database/sql"
	"errors"
	"testing"

	"github.com/dtm-labs/dtm/client/dtmcli"
	"github.com/dtm-labs/dtm/client/dtmgrpc"
)

// A branch that changes an account behind the SDK's barrier, then answers whatever `after` says.
func behindBarrier(db *sql.DB, account string, amount int, after answer) answer {
	return func(c *call) error {
		barrier, err := barrierOf(c)
		if err != nil {
			return err
		}
		err = barrier.CallWithDB(db, func(tx *sql.Tx) error { return adjust(tx, c.gid, account, amount) })
		if err == nil && after != nil {
			err = after(c)
		}
		return err
	}
}

func barrierOf(c *call) (*dtmcli.BranchBarrier, error) {
	if c.context != nil {
		return dtmgrpc.BarrierFromGrpc(c.context)
	}
	return dtmcli.BarrierFromQuery(c.query)
}

func TestBarrierDropsARepeatedCall(t *testing.T) {
	db := database(t)
	each(t, httpAndGRPC, func(t *testing.T, p protocol) {
		gid := newGid(p)
		openAccounts(t, db, gid, "A")
		// The answer to the first call is lost: the server has to ask again, and the money must not move again.
		branches.on(gid, "out", behindBarrier(db, "A", -30, func(c *call) error {
			if c.number == 1 {
				return errors.New("lost")
			}
			return nil
		}))
		often := func(saga *dtmcli.Saga) { saga.RetryInterval = 1 }
		expectNil(t, "Submit", submitSaga(p, gid, often, "out"))
		await(t, gid, "succeed")
		branches.expect(t, gid, "saga action 01 out(for out)", "saga action 01 out(for out)")
		expectBalance(t, db, gid, "A", 70)
	})
}

func TestBarrierMakesACompensationOfNothingDoNothing(t *testing.T) {
	db := database(t)
	each(t, httpAndGRPC, func(t *testing.T, p protocol) {
		gid := newGid(p)
		openAccounts(t, db, gid, "A", "B")
		branches.on(gid, "out", behindBarrier(db, "A", -30, nil))
		branches.on(gid, "outBack", behindBarrier(db, "A", 30, nil))
		branches.on(gid, "in", fails)
		branches.on(gid, "inBack", behindBarrier(db, "B", -30, nil))
		expectNil(t, "Submit", submitSaga(p, gid, asIs, "out", "in"))
		await(t, gid, "failed")
		expectBalance(t, db, gid, "A", 100)
		expectBalance(t, db, gid, "B", 100)
	})
}
