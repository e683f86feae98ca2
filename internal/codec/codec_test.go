package codec_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.uber.org/zap"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/regpay/regpay/internal/codec"
	"github.com/regpay/regpay/internal/privacy"
)

const (
	origin = "http://127.0.0.1:8233"
	token  = "an operator's token for this test"
)

type fixture struct {
	handler http.Handler
	sealed  []byte // a request to decode one payload
	now     time.Time
}

func newFixture(t *testing.T, token string) *fixture {
	t.Helper()
	keys, err := privacy.NewKeyring("k1", map[string][]byte{"k1": bytes.Repeat([]byte{7}, 16)})
	require.NoError(t, err)
	payload, err := converter.GetDefaultDataConverter().ToPayload("plain text")
	require.NoError(t, err)
	sealed, err := privacy.NewCodec(keys).Encode([]*commonpb.Payload{payload})
	require.NoError(t, err)
	body, err := protojson.Marshal(&commonpb.Payloads{Payloads: sealed})
	require.NoError(t, err)
	f := &fixture{sealed: body, now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}
	f.handler = codec.New(codec.Options{
		Codec: privacy.NewCodec(keys), Token: []byte(token), Origin: origin, Path: "/codec",
		Log: zap.NewNop(), Now: func() time.Time { return f.now },
	})
	return f
}

func (f *fixture) decode(change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/codec/decode", bytes.NewReader(f.sealed))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", origin)
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

func (f *fixture) signIn(t *testing.T, with string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/codec/session", strings.NewReader(url.Values{"token": {with}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

func TestOnlyASignedInOperatorReadsPlainText(t *testing.T) {
	f := newFixture(t, token)
	require.Equal(t, http.StatusUnauthorized, f.decode(nil).Code)
	require.Equal(t, http.StatusForbidden, f.signIn(t, "guessed").Code)

	in := f.signIn(t, token)
	require.Equal(t, http.StatusSeeOther, in.Code)
	cookie := in.Result().Cookies()[0]
	require.True(t, cookie.HttpOnly)
	require.Equal(t, http.SameSiteStrictMode, cookie.SameSite)

	w := f.decode(func(r *http.Request) { r.AddCookie(cookie) })
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, origin, w.Header().Get("Access-Control-Allow-Origin"))
	require.Equal(t, "plain text", plain(t, w.Body.Bytes()))
}

func TestASignInEndsAndCannotBeProlonged(t *testing.T) {
	f := newFixture(t, token)
	cookie := f.signIn(t, token).Result().Cookies()[0]
	f.now = f.now.Add(codec.Session + time.Second)
	require.Equal(t, http.StatusUnauthorized, f.decode(func(r *http.Request) { r.AddCookie(cookie) }).Code)

	_, proof, _ := strings.Cut(cookie.Value, ".")
	cookie.Value = "9999999999." + proof
	require.Equal(t, http.StatusUnauthorized, f.decode(func(r *http.Request) { r.AddCookie(cookie) }).Code)
}

func TestAProgramSendsTheTokenItself(t *testing.T) {
	f := newFixture(t, token)
	bearer := func(s string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+s) }
	}
	require.Equal(t, http.StatusOK, f.decode(bearer(token)).Code)
	require.Equal(t, http.StatusUnauthorized, f.decode(bearer("guessed")).Code)
}

func TestWithoutATokenNobodyReads(t *testing.T) {
	f := newFixture(t, "")
	require.Equal(t, http.StatusForbidden, f.signIn(t, "").Code)
	require.Equal(t, http.StatusUnauthorized, f.decode(func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") }).Code)
}

func TestAnotherOriginIsNotLetIn(t *testing.T) {
	f := newFixture(t, token)
	w := f.decode(func(r *http.Request) {
		r.Header.Set("Origin", "http://elsewhere.example")
		r.Header.Set("Authorization", "Bearer "+token)
	})
	require.Empty(t, w.Header().Get("Access-Control-Allow-Origin"))
}

func plain(t *testing.T, body []byte) string {
	t.Helper()
	var p commonpb.Payloads
	require.NoError(t, protojson.Unmarshal(body, &p))
	var s string
	require.NoError(t, json.Unmarshal(p.Payloads[0].Data, &s))
	return s
}
