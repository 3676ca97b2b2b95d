package compat

import (
	"database/sql"
	"testing"

	"github.com/dtm-labs/dtm/client/dtmcli"
	"github.com/dtm-labs/dtm/client/workflow"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Called before the gRPC server serves.
func registerWorkflowServer(server *grpc.Server, address string) {
	workflow.InitGrpc(overGRPC.server(), address, server)
}

func serveWorkflows() {
	workflow.InitHTTP(overHTTP.server(), branches.http+"/workflow")
	registerTransfer(func() {}, func(*workflow.Workflow) {})
	registerXATransfer(func() {}, func(*workflow.Workflow) {})
}

// A workflow of two branches, "out" and "in", each undone by NAMEBack; `between` is called after the first one.
func registerTransfer(between func(), with func(*workflow.Workflow)) {
	transfer := func(wf *workflow.Workflow, data []byte) ([]byte, error) {
		p := protocol(wf.Protocol)
		for _, name := range []string{"out", "in"} {
			name := name
			wf.NewBranch().OnRollback(func(*dtmcli.BranchBarrier) error {
				return request(p, wf, name+"Back", string(data))
			})
			if err := request(p, wf, name, string(data)); err != nil {
				return nil, err
			}
			if name == "out" {
				between()
			}
		}
		return []byte("done: " + string(data)), nil
	}
	if err := workflow.Register2("transfer", transfer, with); err != nil {
		panic(err)
	}
}

// A call within a workflow, which the SDK records.
func request(p protocol, wf *workflow.Workflow, name, text string) error {
	if p == overGRPC {
		connection, err := grpc.Dial(branches.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithUnaryInterceptor(workflow.Interceptor))
		if err != nil {
			return err
		}
		defer connection.Close()
		return connection.Invoke(wf.Context, "/compat.Branches/"+name, wrapperspb.String(text), &emptypb.Empty{})
	}
	_, err := wf.NewRequest().SetHeader("Content-Type", "application/json").SetBody(payload{text}).Post(p.url(name))
	return err
}

func TestWorkflowSucceeds(t *testing.T) {
	each(t, httpAndGRPC, func(t *testing.T, p protocol) {
		workflow.SetProtocolForTest(string(p))
		gid := newGid(p)
		result, err := workflow.Execute2("transfer", gid, []byte("30"))
		expectNil(t, "Execute2", err)
		expectEqual(t, "result", string(result), "done: 30")
		v := await(t, gid, "succeed")
		branches.expect(t, gid, "workflow action 01 out(30)", "workflow action 02 in(30)")
		expectEqual(t, "rows", v.rows(), []string{"01 action succeed", "02 action succeed"})

		result, err = workflow.Execute2("transfer", gid, []byte("30"))
		expectNil(t, "Execute2 again", err)
		expectEqual(t, "result again", string(result), "done: 30")
		expectEqual(t, "number of calls", len(branches.of(gid)), 2)
	})
}

func TestWorkflowIsRolledBack(t *testing.T) {
	each(t, httpAndGRPC, func(t *testing.T, p protocol) {
		workflow.SetProtocolForTest(string(p))
		gid := newGid(p)
		branches.on(gid, "in", fails)
		expectError(t, "Execute", workflow.Execute("transfer", gid, []byte("30")), "FAILURE")
		v := await(t, gid, "failed")
		branches.expect(t, gid,
			"workflow action 01 out(30)", "workflow action 02 in(30)", "workflow rollback 01 outBack(30)")
		expectEqual(t, "rows", v.rows(), []string{"01 action succeed", "02 action failed", "01 rollback succeed"})
		expectError(t, "Execute again", workflow.Execute("transfer", gid, []byte("30")), "FAILURE")
		expectEqual(t, "number of calls", len(branches.of(gid)), 3)
	})
}

func TestWorkflowGoesOnAfterTheDeathOfItsClient(t *testing.T) {
	each(t, httpAndGRPC, func(t *testing.T, p protocol) {
		gid := newGid(p)
		worker := diesAsClient(t, "workflow", p, gid)
		expectEqual(t, "status after the death", look(t, gid).status(), "prepared")
		restarts(t, worker)
		await(t, gid, "succeed")
		branches.expect(t, gid, "workflow action 01 out(30)", "workflow action 02 in(30)")
	})
}

func TestWorkflowIsRolledBackAfterTheDeathOfItsClient(t *testing.T) {
	each(t, httpAndGRPC, func(t *testing.T, p protocol) {
		gid := newGid(p)
		branches.on(gid, "in", fails)
		worker := diesAsClient(t, "workflow", p, gid)
		restarts(t, worker)
		await(t, gid, "failed")
		branches.expect(t, gid,
			"workflow action 01 out(30)", "workflow action 02 in(30)", "workflow rollback 01 outBack(30)")
	})
}

// A workflow of a local XA branch and a remote one, "in"; `between` is called after the first one.
func registerXATransfer(between func(), with func(*workflow.Workflow)) {
	transfer := func(wf *workflow.Workflow, data []byte) error {
		_, err := wf.NewBranch().DoXa(databaseConf(), func(db *sql.DB) ([]byte, error) {
			return nil, adjust(db, wf.Gid, "A", -30)
		})
		if err != nil {
			return err
		}
		between()
		wf.NewBranch()
		return request(protocol(wf.Protocol), wf, "in", string(data))
	}
	if err := workflow.Register("transfer by XA", transfer, with); err != nil {
		panic(err)
	}
}

func TestWorkflowCommitsAndRollsBackItsXABranch(t *testing.T) {
	db := database(t)
	each(t, httpAndGRPC, func(t *testing.T, p protocol) {
		workflow.SetProtocolForTest(string(p))
		gid := newGid(p)
		openAccounts(t, db, gid, "A")
		expectNil(t, "Execute", workflow.Execute("transfer by XA", gid, []byte("30")))
		v := await(t, gid, "succeed")
		expectEqual(t, "rows", v.rows(), []string{
			"01 business succeed", "01 action succeed", "02 action succeed", "01 commit succeed",
		})
		expectBalance(t, db, gid, "A", 70)

		gid = newGid(p)
		openAccounts(t, db, gid, "A")
		branches.on(gid, "in", fails)
		expectError(t, "Execute", workflow.Execute("transfer by XA", gid, []byte("30")), "FAILURE")
		await(t, gid, "failed")
		expectBalance(t, db, gid, "A", 100)
		expectNothingPrepared(t, db, gid)
	})
}
