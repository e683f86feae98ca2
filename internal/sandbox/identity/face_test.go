package identity_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/sandbox/identity"
)

// Invented people: the first number has a right check digit, the second a wrong one.
const (
	realNo    = "11010519491231002X"
	unrealNo  = "110105194912310021"
	faceProbe = `{"out_seq_no":"%s","cert_info":{"cert_type":"IDENTITY_CARD","cert_name":"张三","cert_no":"%s"},"openid":"o-1"}`
)

func certHash(no string) string {
	b64 := base64.StdEncoding.EncodeToString
	sum := sha256.Sum256([]byte("cert_type=" + b64([]byte("IDENTITY_CARD")) + "&cert_name=" + b64([]byte("张三")) + "&cert_no=" + b64([]byte(no))))
	return hex.EncodeToString(sum[:])
}

func (s *services) open(hospital, seqNo, no string) reply {
	s.t.Helper()
	return s.face("getverifyid", hospital, fmt.Sprintf(faceProbe, seqNo, no))
}

func (s *services) query(hospital, verifyID, seqNo, hash, openID string) reply {
	s.t.Helper()
	body, err := json.Marshal(map[string]string{"verify_id": verifyID, "out_seq_no": seqNo, "cert_hash": hash, "openid": openID})
	require.NoError(s.t, err)
	return s.face("queryverifyinfo", hospital, string(body))
}

func opened(t *testing.T, got reply) string {
	t.Helper()
	require.EqualValues(t, 0, got.body["errcode"], got.body)
	return got.body["verify_id"].(string)
}

func TestThePatientPassesUnlessToldOtherwise(t *testing.T) {
	s := newServices(t)
	got := s.open("h-renmin", "seq-1", realNo)
	assert.EqualValues(t, 3600, got.body["expires_in"])
	id := opened(t, got)
	result := s.query("h-renmin", id, "seq-1", certHash(realNo), "o-1")
	assert.Equal(t, map[string]any{"errcode": 0.0, "errmsg": "ok", "verify_ret": 10000.0}, result.body)

	id = opened(t, s.open("h-renmin", "seq-2", unrealNo))
	result = s.query("h-renmin", id, "seq-2", certHash(unrealNo), "o-1")
	assert.EqualValues(t, 10003, result.body["verify_ret"], "a number that cannot exist matches nobody")
}

func TestThePatientDoesAsInstructed(t *testing.T) {
	s := newServices(t)
	id := opened(t, s.open("h-renmin", "seq-1", realNo))
	for _, c := range []struct {
		result    string
		errcode   int
		verifyRet any
	}{
		{"pending", 84003, nil}, {"cancelled", 0, 90004.0}, {"network", 0, 90007.0}, {"mismatch", 0, 10003.0}, {"success", 0, 10000.0},
	} {
		t.Run(c.result, func(t *testing.T) {
			require.Equal(t, 200, s.adminDo("PUT", "/identity/face/"+id, `{"result":"`+c.result+`"}`).status)
			for range 2 {
				got := s.query("h-renmin", id, "seq-1", certHash(realNo), "o-1")
				assert.EqualValues(t, c.errcode, got.body["errcode"])
				assert.Equal(t, c.verifyRet, got.body["verify_ret"])
			}
		})
	}
	assert.Equal(t, 400, s.adminDo("PUT", "/identity/face/"+id, `{"result":"maybe"}`).status)
	assert.Equal(t, 404, s.adminDo("PUT", "/identity/face/12", `{"result":"success"}`).status)
}

func TestAQueryMustRepeatWhatWasOpened(t *testing.T) {
	s := newServices(t)
	id, hash := opened(t, s.open("h-renmin", "seq-1", realNo)), certHash(realNo)
	for name, c := range map[string]struct {
		hospital, id, seqNo, hash, openID string
		errcode                           int
	}{
		"another verify_id": {"h-renmin", "00", "seq-1", hash, "o-1", 84001},
		"another account":   {"h-xiehe", id, "seq-1", hash, "o-1", 84001},
		"another number":    {"h-renmin", id, "seq-2", hash, "o-1", 84001},
		"another openid":    {"h-renmin", id, "seq-1", hash, "o-2", 84001},
		"another person":    {"h-renmin", id, "seq-1", certHash(unrealNo), "o-1", 84008},
		"upper case hash":   {"h-renmin", id, "seq-1", strings.ToUpper(hash), "o-1", 84008},
		"no hash":           {"h-renmin", id, "seq-1", "", "o-1", 84006},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.query(c.hospital, c.id, c.seqNo, c.hash, c.openID)
			assert.EqualValues(t, c.errcode, got.body["errcode"])
			assert.NotContains(t, got.body, "verify_ret")
		})
	}
}

func TestANumberOpensOneCheck(t *testing.T) {
	s := newServices(t)
	first := opened(t, s.open("h-renmin", "seq-1", realNo))
	s.clock.Advance(10 * time.Minute)
	again := s.open("h-renmin", "seq-1", realNo)
	assert.Equal(t, first, opened(t, again))
	assert.EqualValues(t, 3000, again.body["expires_in"])
	assert.EqualValues(t, 84009, s.open("h-renmin", "seq-1", unrealNo).body["errcode"])
	assert.NotEqual(t, first, opened(t, s.open("h-xiehe", "seq-1", realNo)), "numbers are each account's own")
	assert.Len(t, s.server.Books().(identity.Books).FaceChecks, 2)
}

func TestACheckExpiresUnlessItWasDone(t *testing.T) {
	s := newServices(t)
	done := opened(t, s.open("h-renmin", "seq-1", realNo))
	undone := opened(t, s.open("h-renmin", "seq-2", realNo))
	require.EqualValues(t, 0, s.query("h-renmin", done, "seq-1", certHash(realNo), "o-1").body["errcode"])
	s.clock.Advance(time.Hour)
	assert.EqualValues(t, 10000, s.query("h-renmin", done, "seq-1", certHash(realNo), "o-1").body["verify_ret"])
	assert.EqualValues(t, 84002, s.query("h-renmin", undone, "seq-2", certHash(realNo), "o-1").body["errcode"])
	assert.EqualValues(t, 84002, s.open("h-renmin", "seq-2", realNo).body["errcode"])
	assert.Equal(t, 409, s.adminDo("PUT", "/identity/face/"+undone, `{"result":"success"}`).status)
}

func TestABadFaceRequestIsRefused(t *testing.T) {
	s := newServices(t)
	good := fmt.Sprintf(faceProbe, "seq-1", realNo)
	for name, c := range map[string]struct {
		old, new string
		errcode  int
	}{
		"not JSON":              {good, "cert", 47001},
		"an unknown element":    {`"openid"`, `"open_id"`, 47001},
		"a number too short":    {"seq-1", "s-1", 84006},
		"a number with a point": {"seq-1", "seq.1", 84006},
		"another document":      {"IDENTITY_CARD", "PASSPORT", 84006},
		"no name":               {"张三", "", 84006},
		"an ID of 15 digits":    {realNo, "110105491231002", 84006},
		"a small x":             {"002X", "002x", 84006},
		"no openid":             {"o-1", "", 84006},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(good, c.old, c.new, 1)
			require.NotEqual(t, good, changed)
			got := s.face("getverifyid", "h-renmin", changed)
			assert.EqualValues(t, c.errcode, got.body["errcode"])
			assert.NotContains(t, got.body["errmsg"], "张三")
			assert.NotContains(t, got.body["errmsg"], realNo)
		})
	}
	for token, errcode := range map[string]int{"": 41001, "?access_token=": 41001, "?access_token=00": 40001} {
		got, err := s.do("POST", s.url+"/cityservice/face/identify/getverifyid"+token, good, nil)
		require.NoError(t, err)
		assert.EqualValues(t, errcode, got.body["errcode"])
	}
	assert.Empty(t, s.server.Books().(identity.Books).FaceChecks)
}

func TestFaultsOfTheFaceCheck(t *testing.T) {
	s := newServices(t)
	for code, want := range map[string]struct{ status, errcode int }{
		"SYSTEM_ERROR": {200, -1}, "45009": {200, 45009}, "502": {502, 0},
	} {
		t.Run(code, func(t *testing.T) {
			require.Equal(t, 200, s.adminDo("PUT", "/faults/identity", `{"error":{"rate":1,"code":"`+code+`","operations":["face"]}}`).status)
			got, err := s.do("POST", s.url+"/cityservice/face/identify/getverifyid?access_token="+s.accounts["h-renmin"].AccessToken, fmt.Sprintf(faceProbe, "seq-1", realNo), nil)
			require.NoError(t, err)
			assert.Equal(t, want.status, got.status)
			if want.errcode != 0 {
				assert.EqualValues(t, want.errcode, got.body["errcode"])
			}
		})
	}
	assert.Empty(t, s.server.Books().(identity.Books).FaceChecks)
}
