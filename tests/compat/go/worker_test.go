package compat

import (
	"net"
	"net/http"

	"github.com/dtm-labs/dtm/client/workflow"
	"google.golang.org/grpc"
)

// Serves nothing but the call-backs of workflows.
func serveWorker(p protocol, listener net.Listener) {
	address := listener.Addr().String()
	if p == overGRPC {
		server := grpc.NewServer()
		workflow.InitGrpc(p.server(), address, server)
		go func() { _ = server.Serve(listener) }()
		return
	}
	workflow.InitHTTP(p.server(), "http://"+address+"/workflow")
	mux := http.NewServeMux()
	mux.HandleFunc("/workflow", workflowCallback)
	go func() { _ = http.Serve(listener, mux) }()
}
