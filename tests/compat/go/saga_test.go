package compat

import (
	"testing"
	"time"

	"github.com/dtm-labs/dtm/client/dtmcli"
	"github.com/dtm-labs/dtm/client/dtmcli/dtmimp"
	"github.com/dtm-labs/dtm/client/dtmgrpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// A step of a saga calls the branches NAME and NAMEBack with the payload "for NAME".
func submitSaga(p protocol, gid string, with func(*dtmcli.Saga), names ...string) error {
	if p == overGRPC {
		saga := dtmgrpc.NewSagaGrpc(p.server(), gid)
		for _, name := range names {
			saga.Add(p.url(name), p.url(name+"Back"), wrapperspb.String("for "+name))
		}
		with(&saga.Saga)
		return saga.Submit()
	}
	saga := dtmcli.NewSaga(p.server(), gid)
	if p == overJSONRPC {
		saga.Protocol = dtmimp.Jrpc
	}
	for _, name := range names {
		saga.Add(p.url(name), p.url(name+"Back"), payload{"for " + name})
	}
	with(saga)
	return saga.Submit()
}

func asIs(*dtmcli.Saga) {}

func fails(*call) error { return dtmcli.ErrFailure }

func TestSagaSucceeds(t *testing.T) {
	each(t, all, func(t *testing.T, p protocol) {
		gid := newGid(p)
		expectNil(t, "Submit", submitSaga(p, gid, asIs, "out", "in"))
		v := await(t, gid, "succeed")
		branches.expect(t, gid, "saga action 01 out(for out)", "saga action 02 in(for in)")
		expectEqual(t, "rows", v.rows(), []string{
			"01 compensate prepared", "01 action succeed", "02 compensate prepared", "02 action succeed",
		})
		expectEqual(t, "protocol", v.Transaction.Protocol, string(p))
	})
}

func TestSagaIsRolledBack(t *testing.T) {
	each(t, all, func(t *testing.T, p protocol) {
		gid := newGid(p)
		branches.on(gid, "in", fails)
		expectNil(t, "Submit", submitSaga(p, gid, asIs, "out", "in"))
		v := await(t, gid, "failed")
		branches.expect(t, gid,
			"saga action 01 out(for out)", "saga action 02 in(for in)",
			"saga compensate 02 inBack(for in)", "saga compensate 01 outBack(for out)")
		expectEqual(t, "rows", v.rows(), []string{
			"01 compensate succeed", "01 action succeed", "02 compensate succeed", "02 action failed",
		})
	})
}

func TestSagaWhoseResultIsAwaited(t *testing.T) {
	each(t, all, func(t *testing.T, p protocol) {
		wait := func(saga *dtmcli.Saga) { saga.WaitResult = true }
		gid := newGid(p)
		expectNil(t, "Submit", submitSaga(p, gid, wait, "out"))
		expectEqual(t, "status", look(t, gid).status(), "succeed")

		gid = newGid(p)
		branches.on(gid, "out", fails)
		expectError(t, "Submit", submitSaga(p, gid, wait, "out"), "FAILURE")
		expectEqual(t, "status", look(t, gid).status(), "failed")
	})
}

func TestSagaWaitsForABranchThatIsStillAtIt(t *testing.T) {
	each(t, all, func(t *testing.T, p protocol) {
		gid := newGid(p)
		branches.on(gid, "out", func(c *call) error {
			if c.number < 3 {
				return dtmcli.ErrOngoing
			}
			return nil
		})
		often := func(saga *dtmcli.Saga) { saga.RetryInterval = 1 }
		expectNil(t, "Submit", submitSaga(p, gid, often, "out", "in"))
		await(t, gid, "succeed")
		out := "saga action 01 out(for out)"
		branches.expect(t, gid, out, out, out, "saga action 02 in(for in)")
		// ONGOING is no error: the interval stays as it is.
		calls := branches.of(gid)
		if between := calls[2].at.Sub(calls[1].at); between > 1900*time.Millisecond {
			t.Errorf("asked again after %v, expected about a second", between)
		}
	})
}

func TestSagaSendsItsHeadersToEveryBranch(t *testing.T) {
	each(t, all, func(t *testing.T, p protocol) {
		gid := newGid(p)
		branches.on(gid, "in", fails)
		headers := func(saga *dtmcli.Saga) { saga.BranchHeaders = map[string]string{"x-tenant": "a b"} }
		expectNil(t, "Submit", submitSaga(p, gid, headers, "out", "in"))
		await(t, gid, "failed")
		for _, c := range branches.of(gid) {
			expectEqual(t, "header of "+c.String(), c.header("x-tenant"), "a b")
		}
	})
}

// Steps 0 and 1 at once, then 2.
func concurrent(saga *dtmcli.Saga) {
	saga.SetConcurrent()
	saga.AddBranchOrder(2, []int{0, 1})
}

// Step 0 answers only after step 1 was called: one after the other they would never end.
func togetherWithSecond(gid string) {
	second := make(chan struct{})
	branches.on(gid, "first", func(c *call) error { <-second; return nil })
	branches.on(gid, "second", func(c *call) error { close(second); return nil })
}

func TestConcurrentSagaSucceeds(t *testing.T) {
	each(t, all, func(t *testing.T, p protocol) {
		gid := newGid(p)
		togetherWithSecond(gid)
		expectNil(t, "Submit", submitSaga(p, gid, concurrent, "first", "second", "third"))
		await(t, gid, "succeed")
		calls := branches.of(gid)
		expectEqual(t, "number of calls", len(calls), 3)
		expectEqual(t, "last call", calls[2].String(), "saga action 03 third(for third)")
	})
}

func TestConcurrentSagaIsRolledBackInTheReverseOrder(t *testing.T) {
	each(t, all, func(t *testing.T, p protocol) {
		gid := newGid(p)
		togetherWithSecond(gid)
		branches.on(gid, "third", fails)
		expectNil(t, "Submit", submitSaga(p, gid, concurrent, "first", "second", "third"))
		v := await(t, gid, "failed")
		calls := branches.of(gid)
		expectEqual(t, "number of calls", len(calls), 6)
		expectEqual(t, "first compensation", calls[3].String(), "saga compensate 03 thirdBack(for third)")
		expectEqual(t, "rows", v.rows(), []string{
			"01 compensate succeed", "01 action succeed", "02 compensate succeed", "02 action succeed",
			"03 compensate succeed", "03 action failed",
		})
	})
}
