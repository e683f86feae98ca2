package identity_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/identity"
	"github.com/regpay/regpay/internal/payment"
)

func start() identity.FaceStart {
	return identity.FaceStart{OutSeqNo: "pay_abc-V1", Name: "张三", IDNumber: "310101199801011234", OpenID: "oInvented"}
}

func ticket() identity.FaceTicket {
	return identity.FaceTicket{VerifyID: "vid", ExpiresAt: noon.Add(time.Hour)}
}

func face(t testing.TB, base string) *identity.WeChatFace {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	f, err := identity.NewWeChatFace(identity.FaceConfig{BaseURL: base, AccessToken: identity.StaticToken("to/ken"), Transport: tr,
		Timeout: 2 * time.Second, Now: func() time.Time { return noon }})
	require.NoError(t, err)
	return f
}

// replying answers every call with one body and keeps what was sent.
func replying(t testing.TB, status int, body string) (string, *map[string]any) {
	sent := map[string]any{}
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewDecoder(r.Body).Decode(&sent)
		sent["path"], sent["token"] = r.URL.Path, r.URL.Query().Get("access_token")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}), &sent
}

func TestFaceStart(t *testing.T) {
	url, sent := replying(t, 200, `{"errcode":0,"errmsg":"ok","verify_id":"vid","expires_in":3600}`)
	got, err := face(t, url).Start(t.Context(), start())
	require.NoError(t, err)
	require.Equal(t, ticket(), got)
	require.Equal(t, map[string]any{
		"path": "/cityservice/face/identify/getverifyid", "token": "to/ken", "out_seq_no": "pay_abc-V1", "openid": "oInvented",
		"cert_info": map[string]any{"cert_type": "IDENTITY_CARD", "cert_name": "张三", "cert_no": "310101199801011234"},
	}, *sent)
}

// The digest is the one that the interface's documentation computes for these
// values, so it is not this package's own idea of it.
func TestFaceResultSendsTheDocumentsDigest(t *testing.T) {
	url, sent := replying(t, 200, `{"errcode":0,"errmsg":"ok","verify_ret":10000}`)
	got, err := face(t, url).Result(t.Context(), ticket(), start())
	require.NoError(t, err)
	require.Equal(t, identity.FacePassed, got)
	require.Equal(t, map[string]any{
		"path": "/cityservice/face/identify/queryverifyinfo", "token": "to/ken", "out_seq_no": "pay_abc-V1", "openid": "oInvented", "verify_id": "vid",
		"cert_hash": "3c241f7ff324977aeb91f173bb2a7b06569e6fd784d5573db34a636d8671108b",
	}, *sent)
}

func TestFaceResultsAreRead(t *testing.T) {
	for body, want := range map[string]identity.FaceResult{
		`{"errcode":0,"verify_ret":10000}`: identity.FacePassed,
		`{"errcode":0,"verify_ret":10003}`: identity.FaceMismatch,
		`{"errcode":0,"verify_ret":10004}`: identity.FaceMismatch,
		`{"errcode":0,"verify_ret":10005}`: identity.FacePending,
		`{"errcode":0,"verify_ret":10300}`: identity.FacePending,
		`{"errcode":0,"verify_ret":90002}`: identity.FaceCancelled,
		`{"errcode":0,"verify_ret":90006}`: identity.FaceCancelled,
		`{"errcode":0,"verify_ret":90007}`: identity.FaceCancelled,
		`{"errcode":0,"verify_ret":90199}`: identity.FaceCancelled,
		`{"errcode":84003}`:                identity.FacePending,
		`{"errcode":84002}`:                identity.FaceCancelled,
	} {
		url, _ := replying(t, 200, body)
		got, err := face(t, url).Result(t.Context(), ticket(), start())
		require.NoError(t, err, body)
		require.Equal(t, want, got, body)
	}
}

func TestACheckThatNobodyDidEndsWithItsTicket(t *testing.T) {
	url, _ := replying(t, 200, `{"errcode":84003}`)
	old := ticket()
	old.ExpiresAt = noon
	got, err := face(t, url).Result(t.Context(), old, start())
	require.NoError(t, err)
	require.Equal(t, identity.FaceCancelled, got)
}

func TestFaceErrorsAreSortedAndNeverPass(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		kind   payment.Kind
		code   string
	}{
		"busy":                         {200, `{"errcode":-1}`, payment.Retryable, "errcode_-1"},
		"a token that is not one":      {200, `{"errcode":40001,"errmsg":"张三"}`, payment.Retryable, "errcode_40001"},
		"an unknown check":             {200, `{"errcode":84001}`, payment.Final, "errcode_84001"},
		"another document":             {200, `{"errcode":84008,"verify_ret":10000}`, payment.Final, "errcode_84008"},
		"our account":                  {200, `{"errcode":0,"verify_ret":10006}`, payment.Final, "ret_10006"},
		"success without an errcode":   {200, `{"verify_ret":10000}`, payment.Uncertain, "unusable_reply"},
		"no result":                    {200, `{"errcode":0}`, payment.Uncertain, "unusable_reply"},
		"no JSON":                      {200, `passed`, payment.Uncertain, "unusable_reply"},
		"a number as a text":           {200, `{"errcode":"0","verify_ret":10000}`, payment.Uncertain, "unusable_reply"},
		"down":                         {502, `{"errcode":0,"verify_ret":10000}`, payment.Uncertain, "http_502"},
		"a page that says it is found": {302, `{"errcode":0,"verify_ret":10000}`, payment.Uncertain, "http_302"},
	} {
		t.Run(name, func(t *testing.T) {
			url, _ := replying(t, tc.status, tc.body)
			got, err := face(t, url).Result(t.Context(), ticket(), start())
			require.Empty(t, got)
			require.Equal(t, tc.kind, kindOf(t, err), err)
			require.Equal(t, tc.code, payment.CodeOf(err), err)
			require.NotContains(t, err.Error(), "张三")
		})
	}
}

func TestAStartWithoutATicketIsUncertain(t *testing.T) {
	for _, body := range []string{`{"errcode":0}`, `{"errcode":0,"verify_id":"v"}`, `{"errcode":0,"verify_id":"v","expires_in":-1}`} {
		url, _ := replying(t, 200, body)
		_, err := face(t, url).Start(t.Context(), start())
		require.Equal(t, payment.Uncertain, kindOf(t, err), body)
	}
}

func TestTheAccessTokenIsNotInErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := "http://" + l.Addr().String()
	require.NoError(t, l.Close())
	_, err = face(t, closed).Start(t.Context(), start())
	require.Equal(t, payment.Retryable, kindOf(t, err))
	require.NotContains(t, err.Error(), "ken")

	cut := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err = face(t, cut).Start(t.Context(), start())
	require.Equal(t, payment.Uncertain, kindOf(t, err))
	require.NotContains(t, err.Error(), "ken")
}

func TestNoTokenAndNoPatientSendNothing(t *testing.T) {
	f, err := identity.NewWeChatFace(identity.FaceConfig{AccessToken: func(context.Context) (string, error) { return "", errors.New("not renewed") }})
	require.NoError(t, err)
	_, err = f.Start(t.Context(), start())
	require.Equal(t, payment.Retryable, kindOf(t, err))
	for _, change := range []func(*identity.FaceStart){
		func(s *identity.FaceStart) { s.OutSeqNo = "a b c d e" },
		func(s *identity.FaceStart) { s.Name = "" },
		func(s *identity.FaceStart) { s.IDNumber = "" },
		func(s *identity.FaceStart) { s.OpenID = "" },
	} {
		s := start()
		change(&s)
		_, err := f.Start(t.Context(), s)
		require.Equal(t, payment.Final, kindOf(t, err))
		_, err = f.Result(t.Context(), ticket(), s)
		require.Equal(t, payment.Final, kindOf(t, err))
	}
	_, err = identity.NewWeChatFace(identity.FaceConfig{})
	require.Error(t, err)
}
