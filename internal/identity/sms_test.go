package identity_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/identity"
	"github.com/regpay/regpay/internal/payment"
)

var noon = time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC)

func message() identity.Message {
	return identity.Message{Phone: "13800000000", Template: "verify", Code: "012345", Ref: "pay_abc-V1"}
}

func serve(t testing.TB, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func gateway(t testing.TB, base string) *identity.Gateway {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	g, err := identity.NewGateway(identity.Config{BaseURL: base, Account: "acc", Key: []byte("key"), Transport: tr,
		Timeout: 2 * time.Second, Now: func() time.Time { return noon }})
	require.NoError(t, err)
	return g
}

func TestSMSIsSigned(t *testing.T) {
	asked := 0
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		body, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, []byte("key"))
		fmt.Fprintf(mac, "%d\n%s", noon.Unix(), body)
		if r.Method != "POST" || r.URL.Path != "/v1/messages" || r.Header.Get("Content-Type") != "application/json" ||
			r.Header.Get("X-Timestamp") != fmt.Sprint(noon.Unix()) || r.Header.Get("X-Signature") != hex.EncodeToString(mac.Sum(nil)) ||
			string(body) != `{"account":"acc","to":"13800000000","template":"verify","params":{"code":"012345"},"ref":"pay_abc-V1"}` {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, `{"message_id":"m1"}`)
	})
	require.NoError(t, gateway(t, url+"/").Send(t.Context(), message()))
	require.Equal(t, 1, asked)
}

func TestSMSErrorsAreSorted(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		after  string
		kind   payment.Kind
		code   string
		wait   time.Duration
	}{
		"a bad number":                    {400, `{"code":"BAD_PHONE","message":"13800000000"}`, "", payment.Final, "bad_phone", 0},
		"our key":                         {401, `{"code":"BAD_SIGNATURE"}`, "", payment.Final, "bad_signature", 0},
		"our clock":                       {401, `{"code":"STALE_TIMESTAMP"}`, "", payment.Retryable, "stale_timestamp", 0},
		"the same ref for another text":   {409, `{"code":"REF_CONFLICT"}`, "", payment.Final, "ref_conflict", 0},
		"too fast":                        {429, `{"code":"RATE_LIMITED"}`, "37", payment.Retryable, "rate_limited", 37 * time.Second},
		"too fast, until a time":          {429, "", noon.Add(90 * time.Second).Format(http.TimeFormat), payment.Retryable, "http_429", 90 * time.Second},
		"too fast, without a time":        {429, "", "", payment.Retryable, "http_429", time.Minute},
		"too fast, for ages":              {429, "", "99999999", payment.Retryable, "http_429", time.Hour},
		"too fast, by nonsense":           {429, "", "-5", payment.Retryable, "http_429", time.Minute},
		"down":                            {503, `{"code":"UNAVAILABLE"}`, "", payment.Uncertain, "unavailable", 0},
		"broken":                          {500, "", "", payment.Uncertain, "http_500", 0},
		"elsewhere":                       {302, "", "", payment.Uncertain, "http_302", 0},
		"sent, without a number":          {200, `{}`, "", payment.Uncertain, "unusable_reply", 0},
		"sent, in no JSON":                {200, `ok`, "", payment.Uncertain, "unusable_reply", 0},
		"a reply without end":             {200, strings.Repeat(" ", 1<<17), "", payment.Uncertain, "no_answer", 0},
		"a code that repeats the message": {400, `{"code":"13800000000"}`, "", payment.Final, "http_400", 0},
	} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if tc.after != "" {
					w.Header().Set("Retry-After", tc.after)
				}
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			})
			err := gateway(t, url).Send(t.Context(), message())
			require.Equal(t, tc.kind, kindOf(t, err), err)
			require.Equal(t, tc.code, payment.CodeOf(err), err)
			require.NotContains(t, err.Error(), "13800000000")
			var fast *identity.TooFast
			if errors.As(err, &fast) {
				require.Equal(t, tc.wait, fast.After)
			} else {
				require.Zero(t, tc.wait)
			}
		})
	}
}

func TestSMSWithoutAnAnswer(t *testing.T) {
	cut := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	err := gateway(t, cut).Send(t.Context(), message())
	require.Equal(t, payment.Uncertain, kindOf(t, err))

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := "http://" + l.Addr().String()
	require.NoError(t, l.Close())
	require.Equal(t, payment.Retryable, kindOf(t, gateway(t, closed).Send(t.Context(), message())))
}

func TestGatewayNeedsItsConfiguration(t *testing.T) {
	for _, cfg := range []identity.Config{
		{Account: "a", Key: []byte("k")}, {BaseURL: "https://x", Key: []byte("k")}, {BaseURL: "https://x", Account: "a"},
		{BaseURL: "https://x?y=1", Account: "a", Key: []byte("k")},
	} {
		_, err := identity.NewGateway(cfg)
		require.Error(t, err)
	}
}

func TestValuesDoNotPrintTheirPatient(t *testing.T) {
	s := identity.FaceStart{OutSeqNo: "seq-1", Name: "张三", IDNumber: "11010519491231002X", OpenID: "o1"}
	text := fmt.Sprintf("%v %+v %#v %s %v %#v", message(), message(), message(), s, s, s)
	for _, p := range []string{"13800000000", "012345", "张三", "11010519491231002X"} {
		require.NotContains(t, text, p)
	}
}

// kindOf is the kind of an error that there has to be: payment.KindOf calls
// the absence of one Uncertain.
func kindOf(t testing.TB, err error) payment.Kind {
	t.Helper()
	require.Error(t, err)
	return payment.KindOf(err)
}
