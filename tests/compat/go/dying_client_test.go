package compat

import (
	"bufio"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/dtm-labs/dtm/client/dtmcli"
	"github.com/dtm-labs/dtm/client/dtmcli/dtmimp"
	"github.com/dtm-labs/dtm/client/dtmgrpc"
	"github.com/dtm-labs/dtm/client/workflow"
)

// A client process of its own, which a case lets die and, if it serves, starts again.
type client struct {
	part     string
	protocol protocol
	gid      string
	address  string // on which it serves
}

func (c client) start(t *testing.T, dies bool) (*exec.Cmd, string) {
	t.Helper()
	program, err := os.Executable()
	expectNil(t, "own program", err)
	command := exec.Command(program)
	command.Env = append(os.Environ(),
		"COMPAT_PART="+c.part, "COMPAT_PROTOCOL="+string(c.protocol), "COMPAT_GID="+c.gid, "COMPAT_ADDRESS="+c.address,
		"COMPAT_BRANCHES_HTTP="+branches.http, "COMPAT_BRANCHES_GRPC="+branches.grpc, fmt.Sprintf("COMPAT_DIES=%t", dies))
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	expectNil(t, "output of the client", err)
	expectNil(t, "start of the client", command.Start())
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	// The first line is the address on which it serves.
	address, _ := bufio.NewReader(output).ReadString('\n')
	go func() { _, _ = io.Copy(io.Discard, output) }()
	return command, strings.TrimSpace(address)
}

// Lets a client play its part until it kills itself in the midst of it.
func diesAsClient(t *testing.T, part string, p protocol, gid string) client {
	t.Helper()
	c := client{part: part, protocol: p, gid: gid, address: "127.0.0.1:0"}
	command, address := c.start(t, true)
	err := command.Wait()
	if status, is := command.ProcessState.Sys().(syscall.WaitStatus); !is || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the client should have died by its own hand, but: %v", err)
	}
	c.address = address
	return c
}

// Starts the client again where it served before.
func restarts(t *testing.T, c client) {
	t.Helper()
	c.start(t, false)
}

// The other side: what the process does.
func play(part string) {
	p, gid := protocol(os.Getenv("COMPAT_PROTOCOL")), os.Getenv("COMPAT_GID")
	branches.http, branches.grpc = os.Getenv("COMPAT_BRANCHES_HTTP"), os.Getenv("COMPAT_BRANCHES_GRPC")
	switch part {
	case "message-committed", "message-uncommitted":
		dieWithMessage(p, gid, part == "message-committed")
	case "tcc":
		err := runTCCWith(p, gid, soon, die, "out")
		fmt.Fprintln(os.Stderr, "the TCC ended:", err)
	case "xa":
		err := runXAWith(p, gid, soon, die, "out")
		fmt.Fprintln(os.Stderr, "the XA transaction ended:", err)
	case "workflow":
		workOnWorkflow(p, gid, "transfer", os.Getenv("COMPAT_DIES") == "true")
	case "workflow-xa":
		workOnWorkflow(p, gid, "transfer by XA", os.Getenv("COMPAT_DIES") == "true")
	case "accounts":
		serveAccounts()
	case "open-tcc":
		openTCC(p, gid)
	}
}

// Long enough for the client to get to its death, short enough to wait for.
func soon(trans *dtmimp.TransBase) { trans.TimeoutToFail = 3 }

func die() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} }

// Dies between prepare and submit, after or before the commit of the business.
func dieWithMessage(p protocol, gid string, committed bool) {
	db := openDatabase()
	business := withdraws(gid, nil)
	if !committed {
		business = func(tx *sql.Tx) error { _ = withdraws(gid, nil)(tx); die(); return nil }
	}
	do := func(barrier *dtmcli.BranchBarrier) error {
		if err := barrier.CallWithDB(db, business); err != nil {
			return err
		}
		die()
		return nil
	}
	var err error
	switch m := newMessage(p, gid, impatient, "in").(type) {
	case *dtmcli.Msg:
		err = m.DoAndSubmit(p.url("query"), do)
	case *dtmgrpc.MsgGrpc:
		err = m.DoAndSubmit(p.url("query"), do)
	}
	fmt.Fprintln(os.Stderr, "the message ended:", err)
}

// Serves the call-backs of workflows; dies after the first branch of its own one, or waits to be called back.
func workOnWorkflow(p protocol, gid, name string, dies bool) {
	listener := listen(os.Getenv("COMPAT_ADDRESS"))
	address := listener.Addr().String()
	serveWorker(p, listener)
	between := func() {}
	if dies {
		between = die
	}
	soon := func(wf *workflow.Workflow) { wf.RetryInterval = 2 }
	registerTransfer(between, soon)
	registerXATransfer(between, soon)
	fmt.Println(address)
	if dies {
		_, err := workflow.Execute2(name, gid, []byte("30"))
		fmt.Fprintln(os.Stderr, "the workflow ended:", err)
		return
	}
	select {}
}
