// Package compat runs the unmodified Go SDK of DTM v1.19 against our server. See ../README.md.
//
// The addresses come from the environment: DTM_HTTP (http://host:port), DTM_GRPC (host:port), MARIADB_*.
package compat

import (
	"fmt"
	"os"
	"testing"

	"github.com/dtm-labs/logger"
)

// TestMain serves the branches while the cases run; a process that a case starts plays a client that dies instead.
func TestMain(m *testing.M) {
	logger.WithLogger(silent{})
	if part := os.Getenv("COMPAT_PART"); part != "" {
		play(part)
		return
	}
	if os.Getenv("DTM_HTTP") == "" || os.Getenv("DTM_GRPC") == "" {
		fmt.Println("DTM_HTTP and DTM_GRPC are not set; start it by: bash tests/run.sh --compat")
		os.Exit(2)
	}
	branches.serve()
	serveWorkflows()
	os.Exit(m.Run())
}

// The SDK logs each error that it returns, and many cases are about errors.
type silent struct{}

func (silent) Debugf(string, ...interface{}) {}
func (silent) Infof(string, ...interface{})  {}
func (silent) Warnf(string, ...interface{})  {}
func (silent) Errorf(string, ...interface{}) {}

// Which way a client talks to the server, and the server to the branches.
type protocol string

const (
	overHTTP    protocol = "http"
	overGRPC    protocol = "grpc"
	overJSONRPC protocol = "json-rpc"
)

// Runs a case once by each protocol.
func each(t *testing.T, protocols []protocol, run func(t *testing.T, p protocol)) {
	for _, p := range protocols {
		p := p
		t.Run(string(p), func(t *testing.T) { run(t, p) })
	}
}

var httpAndGRPC = []protocol{overHTTP, overGRPC}
var all = []protocol{overHTTP, overGRPC, overJSONRPC}

// The address of a branch.
func (p protocol) url(name string) string {
	switch p {
	case overGRPC:
		return branches.grpc + "/compat.Branches/" + name
	case overJSONRPC:
		return branches.http + "/json-rpc?method=" + name
	default:
		return branches.http + "/" + name
	}
}

// The address of the server, as the SDK wants it.
func (p protocol) server() string {
	switch p {
	case overGRPC:
		return os.Getenv("DTM_GRPC")
	case overJSONRPC:
		return os.Getenv("DTM_HTTP") + "/api/json-rpc"
	default:
		return os.Getenv("DTM_HTTP") + "/api/dtmsvr"
	}
}
