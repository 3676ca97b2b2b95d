package compat

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dtm-labs/dtm/client/dtmcli"
	"github.com/dtm-labs/dtm/client/dtmgrpc"
)

// Longer than anything here takes; only a failing case waits that long.
const patience = 20 * time.Second

// What /query shows of a transaction.
type view struct {
	text        string // all of it
	Transaction *struct {
		Status         string `json:"status"`
		RollbackReason string `json:"rollback_reason"`
		TransType      string `json:"trans_type"`
		Protocol       string `json:"protocol"`
		Result         string `json:"result"`
	} `json:"transaction"`
	Branches []struct {
		BranchID string `json:"branch_id"`
		Op       string `json:"op"`
		Status   string `json:"status"`
	} `json:"branches"`
}

func newGid(p protocol) string {
	if p == overGRPC {
		return dtmgrpc.MustGenGid(p.server())
	}
	return dtmcli.MustGenGid(overHTTP.server())
}

func look(t *testing.T, gid string) view {
	t.Helper()
	response, err := http.Get(overHTTP.server() + "/query?gid=" + url.QueryEscape(gid))
	if err != nil {
		t.Fatalf("the server does not answer: %v", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	v := view{text: string(body)}
	if err == nil {
		err = json.Unmarshal(body, &v)
	}
	if err != nil {
		t.Fatalf("/query does not answer in JSON: %v", err)
	}
	return v
}

func (v view) status() string {
	if v.Transaction == nil {
		return "unknown"
	}
	return v.Transaction.Status
}

// Branch, op and status of each row, in order.
func (v view) rows() []string {
	var rows []string
	for _, b := range v.Branches {
		rows = append(rows, fmt.Sprintf("%s %s %s", b.BranchID, b.Op, b.Status))
	}
	return rows
}

// Waits until the transaction has this status.
func await(t *testing.T, gid, status string) view {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		v := look(t, gid)
		if v.status() == status {
			return v
		}
		if time.Now().After(deadline) {
			t.Fatalf("transaction %s\nexpected status: %s\nbut it is:       %s\ncalls: %s\n%s", gid, status, v.status(),
				strings.Join(texts(branches.of(gid)), ", "), v.text)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func expectEqual(t *testing.T, what string, got, want interface{}) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s\nexpected: %s\nbut was:  %s", what, lines(want), lines(got))
	}
}

func lines(value interface{}) string {
	if list, is := value.([]string); is {
		return "\n    " + strings.Join(list, "\n    ")
	}
	return fmt.Sprintf("%v", value)
}

func expectNil(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s\nexpected: no error\nbut was:  %v", what, err)
	}
}

func expectError(t *testing.T, what string, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("%s\nexpected: an error with %q\nbut was:  %v", what, part, err)
	}
}
