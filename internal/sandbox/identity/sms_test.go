package identity_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/sandbox"
	"github.com/regpay/regpay/internal/sandbox/identity"
)

const number = "13800138000"

func TestATextIsSentAndThePatientReadsIt(t *testing.T) {
	s := newServices(t)
	got := s.text("h-renmin", number, "payment/h-renmin/R1", "123456")
	require.Equal(t, http.StatusOK, got.status, got.body)
	require.NotEmpty(t, got.body["message_id"])
	read := s.adminDo("GET", "/identity/sms/"+s.accounts["h-renmin"].SMSAccount+"/payment/h-renmin/R1", "")
	assert.Equal(t, http.StatusOK, read.status)
	assert.Equal(t, "123456", read.body["code"])
	assert.Equal(t, got.body["message_id"], read.body["message_id"])
	assert.Equal(t, http.StatusNotFound, s.adminDo("GET", "/identity/sms/"+s.accounts["h-xiehe"].SMSAccount+"/payment/h-renmin/R1", "").status)
}

func TestARefIsSentOnce(t *testing.T) {
	s := newServices(t)
	first := s.text("h-renmin", number, "ref-1", "123456")
	again := s.text("h-renmin", "+86"+number, "ref-1", "123456") // the same number, written otherwise
	assert.Equal(t, http.StatusOK, again.status, "a repeat meets no limit")
	assert.Equal(t, first.body, again.body)
	other := s.text("h-renmin", number, "ref-1", "654321")
	assert.Equal(t, http.StatusConflict, other.status)
	assert.Equal(t, "REF_CONFLICT", other.body["code"])
	assert.NotEqual(t, first.body, s.text("h-xiehe", number, "ref-1", "123456").body, "refs and limits are each account's own")
	books := s.server.Books().(identity.Books)
	assert.Len(t, books.Messages, 2)
}

func TestARefIsSentOnceAlsoAtOnce(t *testing.T) {
	s := newServices(t)
	var wait sync.WaitGroup
	ids := make([]any, 20)
	stamp := strconv.FormatInt(s.clock.Now().Unix(), 10)
	body := fmt.Sprintf(`{"account":"%s","to":"%s","template":"login","params":{"code":"1234"},"ref":"r"}`, s.accounts["h-renmin"].SMSAccount, number)
	header := map[string]string{"X-Timestamp": stamp, "X-Signature": sign(s.accounts["h-renmin"].SMSKey, stamp, body)}
	for i := range ids {
		wait.Go(func() {
			if got, err := s.do("POST", s.url+"/v1/messages", body, header); err == nil {
				ids[i] = got.body["message_id"]
			}
		})
	}
	wait.Wait()
	require.NotNil(t, ids[0])
	for _, id := range ids {
		assert.Equal(t, ids[0], id)
	}
	assert.Len(t, s.server.Books().(identity.Books).Messages, 1)
}

func TestABadSignatureIsRefused(t *testing.T) {
	s := newServices(t)
	account, now := s.accounts["h-renmin"], s.clock.Now()
	stamp := strconv.FormatInt(now.Unix(), 10)
	body := fmt.Sprintf(`{"account":"%s","to":"%s","template":"login","params":{"code":"123456"},"ref":"r"}`, account.SMSAccount, number)
	good := sign(account.SMSKey, stamp, body)
	for name, c := range map[string]struct {
		body, stamp, signature, code string
	}{
		"no signature":         {body, stamp, "", "BAD_SIGNATURE"},
		"upper case":           {body, stamp, strings.ToUpper(good), "BAD_SIGNATURE"},
		"another body":         {strings.Replace(body, "123456", "123457", 1), stamp, good, "BAD_SIGNATURE"},
		"another timestamp":    {body, strconv.FormatInt(now.Unix()+1, 10), good, "BAD_SIGNATURE"},
		"another account":      {strings.Replace(body, account.SMSAccount, s.accounts["h-xiehe"].SMSAccount, 1), stamp, good, "BAD_SIGNATURE"},
		"an unknown account":   {strings.Replace(body, account.SMSAccount, "nobody", 1), stamp, good, "BAD_SIGNATURE"},
		"a timestamp too old":  {body, strconv.FormatInt(now.Unix()-301, 10), "", "STALE_TIMESTAMP"},
		"a timestamp to come":  {body, strconv.FormatInt(now.Unix()+301, 10), "", "STALE_TIMESTAMP"},
		"a timestamp in words": {body, "now", "", "STALE_TIMESTAMP"},
		"a far timestamp":      {body, "9223372036854775807", "", "STALE_TIMESTAMP"},
		"no timestamp":         {body, "", "", "STALE_TIMESTAMP"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.code == "STALE_TIMESTAMP" {
				c.signature = sign(account.SMSKey, c.stamp, c.body)
			}
			got, err := s.do("POST", s.url+"/v1/messages", c.body, map[string]string{"X-Timestamp": c.stamp, "X-Signature": c.signature})
			require.NoError(t, err)
			assert.Equal(t, http.StatusUnauthorized, got.status)
			assert.Equal(t, c.code, got.body["code"])
		})
	}
	assert.Equal(t, http.StatusOK, s.signed("h-renmin", body, now.Add(-5*time.Minute)).status, "five minutes are allowed")
	assert.Len(t, s.server.Books().(identity.Books).Messages, 1)
}

func TestABadMessageIsRefused(t *testing.T) {
	s := newServices(t)
	body := fmt.Sprintf(`{"account":"%s","to":"%s","template":"login","params":{"code":"123456"},"ref":"r"}`, s.accounts["h-renmin"].SMSAccount, number)
	for name, c := range map[string]struct{ old, new, code string }{
		"a landline":                   {number, "01065280000", "BAD_PHONE"},
		"a digit short":                {number, "1380013800", "BAD_PHONE"},
		"a mainland number as foreign": {number, "+8601380013800", "BAD_PHONE"},
		"no number":                    {`"to":"` + number + `",`, ``, "BAD_PHONE"},
		"no code":                      {`{"code":"123456"}`, `{}`, "BAD_REQUEST"},
		"a code of letters":            {"123456", "abcdef", "BAD_REQUEST"},
		"a code as a number":           {`"123456"`, `123456`, "BAD_REQUEST"},
		"no template":                  {`"login"`, `""`, "BAD_REQUEST"},
		"no ref":                       {`,"ref":"r"`, ``, "BAD_REQUEST"},
		"a ref with a space":           {`"ref":"r"`, `"ref":"r 1"`, "BAD_REQUEST"},
		"an unknown element":           {`"ref":"r"`, `"ref":"r","reff":"s"`, "BAD_REQUEST"},
		"something after":              {`"ref":"r"}`, `"ref":"r"}{}`, "BAD_REQUEST"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(body, c.old, c.new, 1)
			require.NotEqual(t, body, changed)
			got := s.signed("h-renmin", changed, s.clock.Now())
			assert.Equal(t, http.StatusBadRequest, got.status)
			assert.Equal(t, c.code, got.body["code"])
			assert.NotContains(t, got.body["message"], number)
		})
	}
	assert.Empty(t, s.server.Books().(identity.Books).Messages)
}

func TestANumberIsTextedOnceAMinuteFiveTimesAnHourTenTimesADay(t *testing.T) {
	s := newServices(t)
	refs := 0
	send := func() reply {
		refs++
		return s.text("h-renmin", number, fmt.Sprintf("ref-%d", refs), "123456")
	}
	refused := func(seconds int) {
		t.Helper()
		got := send()
		require.Equal(t, http.StatusTooManyRequests, got.status)
		require.Equal(t, "RATE_LIMITED", got.body["code"])
		require.Equal(t, strconv.Itoa(seconds), got.header.Get("Retry-After"))
	}
	for i := range 5 {
		require.Equal(t, http.StatusOK, send().status)
		if i < 4 { // after the fifth the hour counts
			refused(60)
		}
		s.clock.Advance(time.Minute)
	}
	refused(55 * 60) // five in this hour, the first 5 minutes ago
	assert.Equal(t, http.StatusOK, s.text("h-renmin", "13900139000", "other", "123456").status, "another number is free")
	s.clock.Advance(55 * time.Minute)
	for range 5 {
		require.Equal(t, http.StatusOK, send().status)
		s.clock.Advance(time.Minute)
	}
	s.clock.Advance(time.Hour)
	refused(24*3600 - 60*60 - 5*60 - 3600) // ten today, the first 2 h 5 min ago
	s.clock.Advance(24 * time.Hour)
	assert.Equal(t, http.StatusOK, send().status)
}

func TestLimitsCanBeSwitchedOff(t *testing.T) {
	s := newServices(t, identity.WithoutSMSLimits())
	for i := range 30 {
		require.Equal(t, http.StatusOK, s.text("h-renmin", number, fmt.Sprint(i), "1234").status)
	}
}

func TestAccountsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	var seen []manifest
	for range 2 {
		env, err := sandbox.NewEnv(sandbox.EnvOptions{Dir: dir})
		require.NoError(t, err)
		fragment, err := identity.New(env).Onboard(t.Context(), sandbox.Hospital{ID: "h-renmin"})
		require.NoError(t, err)
		seen = append(seen, read(t, env, fragment))
		env.Close()
	}
	assert.Equal(t, seen[0], seen[1])
}

func TestFaultsOfTheGateway(t *testing.T) {
	s := newServices(t)
	require.Equal(t, 200, s.adminDo("PUT", "/faults/identity", `{"reply_lost":{"rate":1,"operations":["sms"]}}`).status)
	body := fmt.Sprintf(`{"account":"%s","to":"%s","template":"login","params":{"code":"1234"},"ref":"r"}`, s.accounts["h-renmin"].SMSAccount, number)
	stamp := strconv.FormatInt(s.clock.Now().Unix(), 10)
	_, err := s.do("POST", s.url+"/v1/messages", body, map[string]string{"X-Timestamp": stamp, "X-Signature": sign(s.accounts["h-renmin"].SMSKey, stamp, body)})
	require.Error(t, err)
	require.Len(t, s.server.Books().(identity.Books).Messages, 1, "sent, though the reply was lost")
	require.Equal(t, 200, s.adminDo("PUT", "/faults/identity", `{"error":{"rate":1,"code":"503"}}`).status)
	assert.Equal(t, 503, s.signed("h-renmin", body, s.clock.Now()).status)
	require.Equal(t, 200, s.adminDo("DELETE", "/faults/identity", ``).status)
	assert.Equal(t, 200, s.signed("h-renmin", body, s.clock.Now()).status)
}
