package compat

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/dtm-labs/dtm/client/dtmcli"
	"github.com/dtm-labs/dtm/client/dtmcli/dtmimp"
	"github.com/dtm-labs/dtm/client/workflow"
)

func (r *recorder) serveHTTP(listener net.Listener) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", r.http1)
	mux.HandleFunc("/json-rpc", r.jsonRPC)
	mux.HandleFunc("/workflow", workflowCallback)
	go func() { _ = http.Serve(listener, mux) }()
}

// A plain HTTP branch: /NAME?gid&trans_type&branch_id&op.
func (r *recorder) http1(w http.ResponseWriter, request *http.Request) {
	query := request.URL.Query()
	body, err := io.ReadAll(request.Body)
	text := ""
	if err == nil && len(body) > 0 {
		text, err = textOf(body)
	}
	if err != nil {
		text = "unreadable: " + err.Error() + ": " + string(body)
	}
	reply(w, r.handle(&call{
		gid:       query.Get("gid"),
		transType: query.Get("trans_type"),
		branchID:  query.Get("branch_id"),
		op:        query.Get("op"),
		name:      strings.TrimPrefix(request.URL.Path, "/"),
		payload:   text,
		query:     query,
		header:    request.Header.Get,
	}))
}

func textOf(body []byte) (string, error) {
	var p payload
	err := json.Unmarshal(body, &p)
	return p.Text, err
}

// The answer that the SDK makes of an error.
func reply(w http.ResponseWriter, err error) {
	var result interface{} = dtmcli.MapSuccess
	if err != nil {
		result = err
	}
	status, body := dtmcli.Result2HttpJSON(result)
	write(w, status, body)
}

func write(w http.ResponseWriter, status int, body interface{}) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// A JSON-RPC branch: everything is in the params.
func (r *recorder) jsonRPC(w http.ResponseWriter, request *http.Request) {
	var body struct {
		ID      string
		JSONRPC string
		Method  string
		Params  struct {
			payload
			Gid       string `json:"gid"`
			TransType string `json:"trans_type"`
			BranchID  string `json:"branch_id"`
			Op        string `json:"op"`
		}
	}
	if err := json.NewDecoder(request.Body).Decode(&body); err != nil || body.JSONRPC != "2.0" || body.ID == "" {
		write(w, http.StatusBadRequest, map[string]interface{}{"error": "no JSON-RPC 2.0 request"})
		return
	}
	params := body.Params
	err := r.handle(&call{
		gid:       params.Gid,
		transType: params.TransType,
		branchID:  params.BranchID,
		op:        params.Op,
		name:      body.Method,
		payload:   params.Text,
		header:    request.Header.Get,
	})
	answer := map[string]interface{}{"jsonrpc": "2.0", "id": body.ID, "result": map[string]string{}}
	if err != nil {
		code := map[error]int{dtmcli.ErrFailure: dtmimp.JrpcCodeFailure, dtmcli.ErrOngoing: dtmimp.JrpcCodeOngoing}[err]
		if code == 0 {
			code = -32603
		}
		delete(answer, "result")
		answer["error"] = map[string]interface{}{"code": code, "message": err.Error()}
	}
	write(w, http.StatusOK, answer)
}

// Where the server asks a workflow to go on.
func workflowCallback(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err == nil {
		err = workflow.ExecuteByQS(request.URL.Query(), body)
	}
	reply(w, err)
}
