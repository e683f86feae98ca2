package identity

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"
)

func FuzzFaceReply(f *testing.F) {
	f.Add([]byte(`{"errcode":0,"verify_ret":10000}`))
	f.Add([]byte(`{"errcode":84003,"verify_ret":10000}`))
	f.Add([]byte(`{"errcode":0,"verify_ret":1e4}`))
	f.Add([]byte(`null`))
	c := &WeChatFace{now: func() time.Time { return time.Unix(0, 0) }}
	f.Fuzz(func(t *testing.T, reply []byte) {
		r, err := c.parse(opFaceResult, reply)
		if err != nil {
			return
		}
		got, err := c.outcome(FaceTicket{VerifyID: "v"}, r)
		if (got == "") == (err == nil) {
			t.Fatalf("a result or an error: %q %v", got, err)
		}
		if got == FacePassed && (*r.ErrCode != 0 || *r.VerifyRet != 10000) {
			t.Fatal("passed on something else")
		}
	})
}

func FuzzSMSReply(f *testing.F) {
	f.Add(200, "", []byte(`{"message_id":"m"}`))
	f.Add(429, "5", []byte(`{"code":"RATE_LIMITED"}`))
	f.Add(429, "Fri, 02 Jan 2026 04:00:00 GMT", []byte(`null`))
	g := &Gateway{now: func() time.Time { return time.Unix(1_700_000_000, 0) }}
	f.Fuzz(func(t *testing.T, status int, after string, reply []byte) {
		err := g.read(status, http.Header{"Retry-After": {after}}, reply)
		if err == nil && (status < 200 || status > 299 || !json.Valid(reply)) {
			t.Fatal("sent, on the word of nobody")
		}
		if d := retryAfter(after, time.Unix(1_700_000_000, 0)); d < 0 || d > time.Hour {
			t.Fatalf("waits %s", d)
		}
	})
}
