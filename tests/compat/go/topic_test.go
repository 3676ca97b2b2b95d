package compat

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/dtm-labs/dtm/client/dtmcli"
	"github.com/dtm-labs/dtm/client/dtmgrpc/dtmgimp"
	"github.com/dtm-labs/dtm/client/dtmgrpc/dtmgpb"
)

func addressOf(p protocol, name string) string {
	if strings.HasPrefix(name, "topic://") {
		return name
	}
	return p.url(name)
}

// The Go SDK has no HTTP call for topics; DTM's documents say: GET subscribe?topic&url&remark.
func changeTopic(p protocol, verb, topic, address string) error {
	if p == overGRPC {
		client := dtmgimp.MustGetDtmClient(p.server())
		request := &dtmgpb.DtmTopicRequest{Topic: topic, URL: address, Remark: "compat"}
		var err error
		if verb == "subscribe" {
			_, err = client.Subscribe(context.Background(), request)
		} else {
			_, err = client.Unsubscribe(context.Background(), request)
		}
		return err
	}
	query := url.Values{"topic": {topic}, "url": {address}, "remark": {"compat"}}
	response, err := dtmcli.GetRestyClient().R().Get(overHTTP.server() + "/" + verb + "?" + query.Encode())
	if err == nil && response.StatusCode() != http.StatusOK {
		err = errors.New(response.String())
	}
	return err
}

func TestTopicReachesEverySubscriber(t *testing.T) {
	each(t, httpAndGRPC, func(t *testing.T, p protocol) {
		gid := newGid(p)
		topic := "topic-" + string(p)
		expectNil(t, "subscribe", changeTopic(p, "subscribe", topic, p.url("one")))
		expectNil(t, "subscribe", changeTopic(p, "subscribe", topic, p.url("two")))
		expectError(t, "subscribe again", changeTopic(p, "subscribe", topic, p.url("two")), "this url exists")

		expectNil(t, "Submit", newMessage(p, gid, plain, "topic://"+topic, "in").Submit())
		v := await(t, gid, "succeed")
		text := "(for topic://" + topic + ")"
		branches.expect(t, gid,
			"msg action 01-01 one"+text, "msg action 01-02 two"+text, "msg action 02 in(for in)")
		expectEqual(t, "rows", v.rows(), []string{"01-01 action succeed", "01-02 action succeed", "02 action succeed"})

		expectNil(t, "unsubscribe", changeTopic(p, "unsubscribe", topic, p.url("one")))
		gid = newGid(p)
		expectNil(t, "Submit", newMessage(p, gid, plain, "topic://"+topic).Submit())
		await(t, gid, "succeed")
		branches.expect(t, gid, "msg action 01 two"+text)
	})
}

func TestTopicWithoutSubscribersIsRefused(t *testing.T) {
	each(t, httpAndGRPC, func(t *testing.T, p protocol) {
		gid := newGid(p)
		err := newMessage(p, gid, plain, "topic://nobody").Submit()
		expectError(t, "Submit", err, "topic not found")
		expectEqual(t, "status", look(t, gid).status(), "unknown")
	})
}
