package identity_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/sandbox"
	"github.com/regpay/regpay/internal/sandbox/identity"
)

// manifest is a hospital's part, with files already read.
type manifest struct {
	AppID       string `json:"appid"`
	AccessToken string `json:"access_token"`
	SMSAccount  string `json:"sms_account"`
	SMSKey      string `json:"sms_key"`
}

type services struct {
	t          *testing.T
	url, admin string
	accounts   map[string]manifest
	clock      *sandbox.ManualClock
	server     *identity.Server
}

func newServices(t *testing.T, options ...identity.Option) *services {
	t.Helper()
	clock := sandbox.NewManualClock(time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC))
	env, err := sandbox.NewEnv(sandbox.EnvOptions{Dir: t.TempDir(), Seed: 7, Clock: clock})
	require.NoError(t, err)
	t.Cleanup(env.Close)
	server := identity.New(env, options...)
	protocol := httptest.NewServer(server.Handler())
	t.Cleanup(protocol.Close)
	admin := httptest.NewServer(sandbox.Admin(env.Patients, server))
	t.Cleanup(admin.Close)
	s := &services{t: t, url: protocol.URL, admin: admin.URL, accounts: map[string]manifest{}, clock: clock, server: server}
	for i, hospital := range []string{"h-renmin", "h-xiehe"} {
		fragment, err := server.Onboard(t.Context(), sandbox.Hospital{ID: hospital, Index: i, BaseURL: protocol.URL})
		require.NoError(t, err)
		s.accounts[hospital] = read(t, env, fragment)
	}
	return s
}

func read(t *testing.T, env *sandbox.Env, fragment any) manifest {
	t.Helper()
	var m manifest
	raw, err := json.Marshal(fragment)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &m))
	for _, file := range []*string{&m.AccessToken, &m.SMSKey} {
		content, err := os.ReadFile(filepath.Join(env.Files.Dir(), *file))
		require.NoError(t, err)
		*file = string(content)
	}
	return m
}

type reply struct {
	status int
	header http.Header
	body   map[string]any
}

func (s *services) do(method, url, body string, header map[string]string) (reply, error) {
	request, err := http.NewRequestWithContext(s.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return reply{}, err
	}
	got := reply{status: response.StatusCode, header: response.Header}
	if err := json.Unmarshal(raw, &got.body); err != nil {
		return got, fmt.Errorf("%s: %w", raw, err)
	}
	return got, nil
}

// text sends a well-signed message of a hospital to a number.
func (s *services) text(hospital, to, ref, code string) reply {
	s.t.Helper()
	body := fmt.Sprintf(`{"account":"%s","to":"%s","template":"login","params":{"code":"%s"},"ref":"%s"}`,
		s.accounts[hospital].SMSAccount, to, code, ref)
	return s.signed(hospital, body, s.clock.Now())
}

func (s *services) signed(hospital, body string, at time.Time) reply {
	s.t.Helper()
	stamp := strconv.FormatInt(at.Unix(), 10)
	got, err := s.do("POST", s.url+"/v1/messages", body, map[string]string{
		"X-Timestamp": stamp, "X-Signature": sign(s.accounts[hospital].SMSKey, stamp, body),
	})
	require.NoError(s.t, err)
	return got
}

func sign(key, stamp, body string) string {
	mac := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(mac, "%s\n%s", stamp, body)
	return hex.EncodeToString(mac.Sum(nil))
}

// face calls one of the two face check interfaces with a hospital's token.
func (s *services) face(call, hospital, body string) reply {
	s.t.Helper()
	got, err := s.do("POST", s.url+"/cityservice/face/identify/"+call+"?access_token="+s.accounts[hospital].AccessToken, body, nil)
	require.NoError(s.t, err)
	require.Equal(s.t, http.StatusOK, got.status)
	return got
}

func (s *services) adminDo(method, path, body string) reply {
	s.t.Helper()
	got, err := s.do(method, s.admin+path, body, nil)
	require.NoError(s.t, err)
	return got
}
