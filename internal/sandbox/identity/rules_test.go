package identity

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestTheHashIsTheOneOfTheOfficialExample(t *testing.T) {
	example := certInfo{Type: "IDENTITY_CARD", Name: "张三", No: "310101199801011234"}
	assert.Equal(t, "3c241f7ff324977aeb91f173bb2a7b06569e6fd784d5573db34a636d8671108b", example.hash())
}

func TestAnIDNumberHasItsCheckDigit(t *testing.T) {
	weights := []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} // GB 11643, as printed
	rapid.Check(t, func(t *rapid.T) {
		day := time.Date(1920, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 40000).Draw(t, "day"))
		body := fmt.Sprintf("%06d%s%03d", rapid.IntRange(110000, 659000).Draw(t, "area"), day.Format("20060102"), rapid.IntRange(0, 999).Draw(t, "n"))
		sum := 0
		for i, digit := range body {
			sum += weights[i] * int(digit-'0')
		}
		right := "10X98765432"[sum%11]
		for _, check := range "0123456789X" {
			if canExist(body+string(check)) != (byte(check) == right) {
				t.Fatalf("%s%c", body, check)
			}
		}
	})
	assert.False(t, canExist("11010519490230002X"), "30 February")
}

// The gateway's bookkeeping must agree with counting all texts in each window anew.
func TestLimitsAgreeWithPlainCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
		g := newGateway(func() time.Time { return now })
		var sent []time.Time
		for i := range rapid.IntRange(1, 60).Draw(t, "attempts") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 30, 59, 60, 61, 600, 3599, 3600, 7200, 40000}).Draw(t, "gap")) * time.Second)
			allowed := true
			for _, l := range numberLimits() {
				count := 0
				for _, at := range sent {
					if at.Add(l.window).After(now) {
						count++
					}
				}
				allowed = allowed && count < l.most
			}
			_, refusal := g.send("h", message{Account: "a", To: "+8613800138000", Ref: fmt.Sprint(i)})
			if (refusal == nil) != allowed {
				t.Fatalf("attempt %d: allowed %v, refusal %v", i, allowed, refusal)
			}
			if refusal == nil {
				sent = append(sent, now)
				continue
			}
			if refusal.retryAfter <= 0 {
				t.Fatalf("no time to wait for")
			}
		}
	})
}

func TestARefusedTextDoesNotDisturbTheCount(t *testing.T) {
	now := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	g := newGateway(func() time.Time { return now })
	for i, step := range []struct {
		gap     time.Duration
		refused bool
	}{
		{0, false},
		{24*time.Hour - 10*time.Second, false},
		{20 * time.Second, true}, // the first text has just left the longest window
		{time.Second, true},
		{39 * time.Second, false},
	} {
		now = now.Add(step.gap)
		_, refusal := g.send("h", message{Account: "a", To: "+8613800138000", Ref: fmt.Sprint(i)})
		assert.Equal(t, step.refused, refusal != nil, "step %d", i)
	}
}

// FuzzMessage: whatever the bytes, the reader does not panic, and what it accepts has a
// number in international form, a code and a ref.
func FuzzMessage(f *testing.F) {
	f.Add([]byte(`{"account":"a","to":"13800138000","template":"t","params":{"code":"123456"},"ref":"r"}`))
	f.Add([]byte(`{"to":"+8613800138000","params":null}`))
	f.Add([]byte(`{"params":{"code":123}}`))
	f.Add([]byte("null"))
	rules := newMessageRules()
	f.Fuzz(func(t *testing.T, body []byte) {
		m, refusal := rules.parseMessage(body)
		if refusal != nil {
			return
		}
		if !strings.HasPrefix(m.To, "+") || len(m.Params["code"]) < 4 || m.Ref == "" {
			t.Fatalf("accepted a message without what it needs")
		}
		if _, err := m.digest(); err != nil {
			t.Fatalf("digest: %v", err)
		}
	})
}

// FuzzFace: whatever the bytes, the readers do not panic, and a check that was opened can
// be queried with what was sent.
func FuzzFace(f *testing.F) {
	f.Add([]byte(`{"out_seq_no":"seq-1","cert_info":{"cert_type":"IDENTITY_CARD","cert_name":"张三","cert_no":"11010519491231002X"},"openid":"o"}`))
	f.Add([]byte(`{"verify_id":"v","out_seq_no":"seq-1","cert_hash":"00","openid":"o"}`))
	f.Add([]byte(`{"cert_info":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, refusal := parseResultRequest(body); refusal != nil && refusal.code >= 0 && refusal.message == "" {
			t.Fatal("a refusal without words")
		}
		checks := newFaces(time.Now)
		request, refusal := checks.parseIDRequest(body)
		if refusal != nil {
			return
		}
		id, _, refusal := checks.open(account{appID: "wx"}, request)
		if refusal != nil {
			t.Fatalf("not opened: %v", refusal)
		}
		if _, refusal := checks.result(account{appID: "wx"}, resultRequest{id, request.OutSeqNo, request.CertInfo.hash(), request.OpenID}); refusal != nil {
			t.Fatalf("not found: %v", refusal)
		}
	})
}

func TestARefusalIsAnErrorWithoutValues(t *testing.T) {
	_, refusal := newMessageRules().parseMessage([]byte(`{"account":"a","to":"1380013800","template":"t","params":{"code":"123456"},"ref":"r"}`))
	require.NotNil(t, refusal)
	assert.NotContains(t, errors.Unwrap(fmt.Errorf("%w", refusal)).Error(), "1380013800")
}
