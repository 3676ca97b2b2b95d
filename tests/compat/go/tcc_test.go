package compat

import (
	"testing"

	"github.com/dtm-labs/dtm/client/dtmcli"
	"github.com/dtm-labs/dtm/client/dtmcli/dtmimp"
	"github.com/dtm-labs/dtm/client/dtmgrpc"
	"github.com/go-resty/resty/v2"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// A branch of a TCC: NAME tries, NAMEConfirm confirms, NAMECancel cancels, with the payload "for NAME".
func tryHTTP(p protocol, tcc *dtmcli.Tcc, name string) (*resty.Response, error) {
	// The try is the client's own plain HTTP call, whatever the server speaks.
	return tcc.CallBranch(payload{"for " + name}, overHTTP.url(name), p.url(name+"Confirm"), p.url(name+"Cancel"))
}

func tryGRPC(tcc *dtmgrpc.TccGrpc, name string) error {
	return tcc.CallBranch(wrapperspb.String("for "+name), overGRPC.url(name), overGRPC.url(name+"Confirm"),
		overGRPC.url(name+"Cancel"), &emptypb.Empty{})
}

func runTCC(p protocol, gid string, names ...string) error {
	return runTCCWith(p, gid, func(*dtmimp.TransBase) {}, func() {}, names...)
}

// Calls `then` after the last try, before it submits.
func runTCCWith(p protocol, gid string, with func(*dtmimp.TransBase), then func(), names ...string) error {
	if p == overGRPC {
		custom := func(tcc *dtmgrpc.TccGrpc) { with(&tcc.TransBase) }
		return dtmgrpc.TccGlobalTransaction2(p.server(), gid, custom, func(tcc *dtmgrpc.TccGrpc) error {
			for _, name := range names {
				if err := tryGRPC(tcc, name); err != nil {
					return err
				}
			}
			then()
			return nil
		})
	}
	custom := func(tcc *dtmcli.Tcc) {
		if p == overJSONRPC {
			tcc.Protocol = dtmimp.Jrpc
		}
		with(&tcc.TransBase)
	}
	return dtmcli.TccGlobalTransaction2(p.server(), gid, custom, func(tcc *dtmcli.Tcc) (*resty.Response, error) {
		var response *resty.Response
		for _, name := range names {
			var err error
			if response, err = tryHTTP(p, tcc, name); err != nil {
				return response, err
			}
		}
		then()
		return response, nil
	})
}

func TestTCCIsConfirmed(t *testing.T) {
	each(t, all, func(t *testing.T, p protocol) {
		gid := newGid(p)
		expectNil(t, "TccGlobalTransaction", runTCC(p, gid, "out", "in"))
		v := await(t, gid, "succeed")
		branches.expect(t, gid,
			"tcc try 01 out(for out)", "tcc try 02 in(for in)",
			"tcc confirm 02 inConfirm(for in)", "tcc confirm 01 outConfirm(for out)")
		expectEqual(t, "rows", v.rows(), []string{
			"01 cancel prepared", "01 confirm succeed", "02 cancel prepared", "02 confirm succeed",
		})
	})
}

func TestTCCIsCancelled(t *testing.T) {
	each(t, all, func(t *testing.T, p protocol) {
		gid := newGid(p)
		branches.on(gid, "in", fails)
		expectError(t, "TccGlobalTransaction", runTCC(p, gid, "out", "in"), "FAILURE")
		v := await(t, gid, "failed")
		branches.expect(t, gid,
			"tcc try 01 out(for out)", "tcc try 02 in(for in)",
			"tcc cancel 02 inCancel(for in)", "tcc cancel 01 outCancel(for out)")
		expectEqual(t, "rows", v.rows(), []string{
			"01 cancel succeed", "01 confirm prepared", "02 cancel succeed", "02 confirm prepared",
		})
	})
}

// The try of "outer" tries "inner" as a branch of its own.
func nests(p protocol) answer {
	return func(c *call) error {
		if p == overGRPC {
			tcc, err := dtmgrpc.TccFromGrpc(c.context)
			if err != nil {
				return err
			}
			return dtmgrpc.GrpcError2DtmError(tryGRPC(tcc, "inner"))
		}
		tcc, err := dtmcli.TccFromQuery(c.query)
		if err != nil {
			return err
		}
		_, err = tryHTTP(p, tcc, "inner")
		return err
	}
}

func TestNestedTCCIsConfirmed(t *testing.T) {
	each(t, httpAndGRPC, func(t *testing.T, p protocol) {
		gid := newGid(p)
		branches.on(gid, "outer", nests(p))
		expectNil(t, "TccGlobalTransaction", runTCC(p, gid, "first", "outer"))
		v := await(t, gid, "succeed")
		branches.expect(t, gid,
			"tcc try 01 first(for first)", "tcc try 02 outer(for outer)", "tcc try 0201 inner(for inner)",
			"tcc confirm 0201 innerConfirm(for inner)", "tcc confirm 02 outerConfirm(for outer)",
			"tcc confirm 01 firstConfirm(for first)")
		expectEqual(t, "rows", v.rows(), []string{
			"01 cancel prepared", "01 confirm succeed", "02 cancel prepared", "02 confirm succeed",
			"0201 cancel prepared", "0201 confirm succeed",
		})
	})
}

func TestNestedTCCIsCancelled(t *testing.T) {
	each(t, httpAndGRPC, func(t *testing.T, p protocol) {
		gid := newGid(p)
		branches.on(gid, "outer", nests(p))
		branches.on(gid, "inner", fails)
		expectError(t, "TccGlobalTransaction", runTCC(p, gid, "first", "outer"), "FAILURE")
		await(t, gid, "failed")
		branches.expect(t, gid,
			"tcc try 01 first(for first)", "tcc try 02 outer(for outer)", "tcc try 0201 inner(for inner)",
			"tcc cancel 0201 innerCancel(for inner)", "tcc cancel 02 outerCancel(for outer)",
			"tcc cancel 01 firstCancel(for first)")
	})
}

func TestTCCIsCancelledWhenTheClientDies(t *testing.T) {
	each(t, httpAndGRPC, func(t *testing.T, p protocol) {
		gid := newGid(p)
		diesAsClient(t, "tcc", p, gid)
		expectEqual(t, "status after the death", look(t, gid).status(), "prepared")
		v := await(t, gid, "failed")
		branches.expect(t, gid, "tcc try 01 out(for out)", "tcc cancel 01 outCancel(for out)")
		expectEqual(t, "reason", v.Transaction.RollbackReason, "Timeout after 3 seconds")
	})
}
