package compat

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
)

// The branches of all cases: they write down what they were asked, and answer what the case wants.
var branches = &recorder{calls: map[string][]*call{}, answers: map[string]answer{}}

type recorder struct {
	http string // base URL
	grpc string // host:port

	grpcServer *grpc.Server
	lock       sync.Mutex
	calls      map[string][]*call // by gid
	answers    map[string]answer  // by gid and name of the branch
}

// One request to a branch, by whichever protocol.
type call struct {
	gid, transType, branchID, op string
	name                         string // of the branch
	payload                      string // the text in it
	at                           time.Time
	number                       int             // 1 for the first call of this branch with this op
	query                        url.Values      // HTTP only
	context                      context.Context // gRPC only
	header                       func(name string) string
}

// What a branch does; nil, dtmcli.ErrFailure, dtmcli.ErrOngoing and other errors mean what they mean to the SDK.
type answer func(c *call) error

// The payload of every branch.
type payload struct {
	Text string `json:"text"`
}

func (c *call) String() string {
	return fmt.Sprintf("%s %s %s %s(%s)", c.transType, c.op, c.branchID, c.name, c.payload)
}

// Says what a branch of this transaction answers; without it, it succeeds.
func (r *recorder) on(gid, name string, a answer) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.answers[gid+" "+name] = a
}

func (r *recorder) handle(c *call) error {
	r.lock.Lock()
	c.at, c.number = time.Now(), 1
	for _, earlier := range r.calls[c.gid] {
		if earlier.name == c.name && earlier.op == c.op {
			c.number++
		}
	}
	r.calls[c.gid] = append(r.calls[c.gid], c)
	a := r.answers[c.gid+" "+c.name]
	r.lock.Unlock()
	if a == nil {
		return nil
	}
	return a(c)
}

func (r *recorder) of(gid string) []*call {
	r.lock.Lock()
	defer r.lock.Unlock()
	return append([]*call{}, r.calls[gid]...)
}

// The branches were asked exactly this, in this order.
func (r *recorder) expect(t *testing.T, gid string, want ...string) {
	t.Helper()
	expectEqual(t, "calls of the branches", texts(r.of(gid)), want)
}

func texts(calls []*call) []string {
	var texts []string
	for _, c := range calls {
		texts = append(texts, c.String())
	}
	return texts
}

func (r *recorder) serve() {
	http, grpc := listen("127.0.0.1:0"), listen("127.0.0.1:0")
	r.http, r.grpc = "http://"+http.Addr().String(), grpc.Addr().String()
	r.serveHTTP(http)
	r.serveGRPC(grpc)
}

func listen(address string) net.Listener {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		panic(err)
	}
	return listener
}
