package compat

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/dtm-labs/dtm/client/dtmcli"
	"github.com/dtm-labs/dtm/client/dtmcli/dtmimp"
	"github.com/go-resty/resty/v2"
	_ "github.com/lib/pq"
)

// The Go side of transactions with branches in Go and in Rust, which share databases and barrier tables. The cases, and the
// same branch in Rust, are in tests/e2e/sdk/with_go.

// What a branch is told.
type order struct {
	Account int  `json:"account"`
	Cents   int  `json:"cents"`
	Refuses bool `json:"refuses"`
	Loses   bool `json:"loses"` // the first answer, though the work is done
}

var errLost = errors.New("the answer is lost")

// Serves the accounts of two databases behind the SDK's barrier: /account/mysql and /account/postgres.
func serveAccounts() {
	mux, lost := http.NewServeMux(), sync.Map{}
	for _, kind := range []string{dtmimp.DBTypeMysql, dtmimp.DBTypePostgres} {
		kind := kind
		db, err := sql.Open(kind, os.Getenv("COMPAT_"+strings.ToUpper(kind)))
		if err != nil {
			panic(err)
		}
		mux.HandleFunc("/account/"+kind, func(w http.ResponseWriter, request *http.Request) {
			var o order
			barrier, err := dtmcli.BarrierFromQuery(request.URL.Query())
			if err == nil {
				err = json.NewDecoder(request.Body).Decode(&o)
			}
			if err == nil {
				barrier.DBType = kind
				err = barrier.CallWithDB(db, func(tx *sql.Tx) error { return book(tx, barrier, o) })
			}
			if err == nil && o.Loses && barrier.Op != dtmimp.OpTry {
				if _, before := lost.LoadOrStore(barrier.Gid+barrier.BranchID+barrier.Op, true); !before {
					err = errLost
				}
			}
			reply(w, err)
		})
	}
	listener := listen("127.0.0.1:0")
	fmt.Println("http://" + listener.Addr().String())
	panic(http.Serve(listener, mux))
}

// A try freezes what a confirm moves and a cancel sets free.
func book(tx *sql.Tx, barrier *dtmcli.BranchBarrier, o order) error {
	cents, frozen := o.Cents, 0
	switch barrier.Op {
	case dtmimp.OpTry:
		cents, frozen = 0, o.Cents
	case dtmimp.OpConfirm:
		frozen = -o.Cents
	case dtmimp.OpCancel:
		cents, frozen = 0, -o.Cents
	case dtmimp.OpCompensate:
		cents = -o.Cents
	}
	placed := func(statement string) string { return dtmimp.GetDBSpecial(barrier.DBType).GetPlaceHoldSQL(statement) }
	update := placed("update account set cents = cents + ?, frozen = frozen + ? where id = ?")
	if _, err := tx.Exec(update, cents, frozen, o.Account); err != nil {
		return err
	}
	what := fmt.Sprintf("go %s %s", barrier.BranchID, barrier.Op)
	if _, err := tx.Exec(placed("insert into effect (gid, what) values (?, ?)"), barrier.Gid, what); err != nil {
		return err
	}
	if o.Refuses && (barrier.Op == dtmimp.OpTry || barrier.Op == dtmimp.OpAction) {
		return dtmcli.ErrFailure
	}
	return nil
}

// Opens a TCC with these branches, each at one address for all of its operations.
func openTCC(p protocol, gid string) {
	var branches []struct {
		URL   string `json:"url"`
		Order order  `json:"order"`
	}
	if err := json.Unmarshal([]byte(os.Getenv("COMPAT_BRANCHES")), &branches); err != nil {
		panic(err)
	}
	often := func(tcc *dtmcli.Tcc) { tcc.RetryInterval = 1 }
	err := dtmcli.TccGlobalTransaction2(p.server(), gid, often, func(tcc *dtmcli.Tcc) (*resty.Response, error) {
		for _, branch := range branches {
			if response, err := tcc.CallBranch(branch.Order, branch.URL, branch.URL, branch.URL); err != nil {
				return response, err
			}
		}
		return nil, nil
	})
	fmt.Println(map[bool]string{true: "submitted", false: "aborted"}[err == nil])
}
