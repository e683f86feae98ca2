package insurance

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestTheMessageKeyHasThePublishedCheckValue(t *testing.T) {
	key, err := sm4Key(testApp, testSecret)
	require.NoError(t, err)
	require.Equal(t, "863B5F40C70B71EA", string(key))
	_, err = sm4Key("short", testSecret)
	require.Error(t, err)
}

func TestSM4AgreesWithTheStandardsExample(t *testing.T) {
	// GB/T 32907-2016, A.1; the second block is the padding's.
	key, err := hex.DecodeString("0123456789abcdeffedcba9876543210")
	require.NoError(t, err)
	out, err := encrypt(key, key)
	require.NoError(t, err)
	require.Equal(t, "681EDF34D206965E86B3E94F536E4246", out[:32])
	back, err := decrypt(key, strings.ToLower(out))
	require.NoError(t, err)
	require.Equal(t, key, back)
}

func TestWhatIsSigned(t *testing.T) {
	for _, tc := range []struct{ rule, envelope, want string }{
		{"sorted, without signature and ciphertext", `{"version":"2.0.1","appId":"A","signData":"x","encData":"y","extra":"z"}`,
			"appId=A&version=2.0.1&key=S"},
		{"data is compact JSON with sorted keys", `{"data":{"b":"2","a":{"d":"4","c":"3"}},"appId":"A"}`,
			`appId=A&data={"a":{"c":"3","d":"4"},"b":"2"}&key=S`},
		{"empties go at every depth, from the inside out", `{"a":"","b":null,"c":{},"d":[],"data":{"x":{"y":{"z":""}},"l":["",null,{"q":[]}],"k":"v"}}`,
			`data={"k":"v"}&key=S`},
		{"nothing is left", `{"data":{"x":[{}]}}`, "key=S"},
		{"numbers and booleans stay as written", `{"code":0,"success":true,"data":{"amt":12.50,"ok":false}}`,
			`code=0&data={"amt":12.50,"ok":false}&success=true&key=S`},
		{"no character is escaped for HTML", `{"data":{"n":"<a&b>张"}}`, `data={"n":"<a&b>张"}&key=S`},
		{"lists keep their order", `{"data":{"l":[{"b":"1","a":"2"},{"a":"3"}]}}`, `data={"l":[{"a":"2","b":"1"},{"a":"3"}]}&key=S`},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			env, err := decode([]byte(tc.envelope))
			require.NoError(t, err)
			got, err := signText(env, "S")
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
		})
	}
}

func TestOnlyOneJSONObjectIsAnEnvelope(t *testing.T) {
	for _, bad := range []string{"", "null", "[]", `"x"`, "{", `{"a":1}{}`, `{"a":1} x`, strings.Repeat(" ", maxMessage) + "{}"} {
		_, err := decode([]byte(bad))
		require.ErrorIs(t, err, errJSON)
	}
}

func TestEnvelopesOfThePlatformAreRead(t *testing.T) {
	w := newWorld(t)
	data := map[string]any{"feeSumamt": json.Number("25.50"), "payOrdId": "P"}
	for _, quoted := range []bool{false, true} {
		body, err := json.Marshal(w.envelope(map[string]any{"code": 0, "success": true}, data, quoted))
		require.NoError(t, err)
		o, _, err := w.client.open(body)
		require.NoError(t, err, "numbers signed as strings: %v", quoted)
		require.Equal(t, data, o.data)
		require.Equal(t, "0", o.code)
	}
}

func TestAnEnvelopeThatWasChangedIsNotRead(t *testing.T) {
	w := newWorld(t)
	for rule, change := range map[string]func(env map[string]any){
		"another code":        func(env map[string]any) { env["code"] = "01" },
		"another time":        func(env map[string]any) { env["timestamp"] = "20260302120001" },
		"another field":       func(env map[string]any) { env["more"] = "x" },
		"other data":          func(env map[string]any) { env["encData"] = ecb(t, `{"payOrdId":"Q"}`) },
		"data in the plain":   func(env map[string]any) { delete(env, "encData"); env["data"] = map[string]any{"payOrdId": "P"} },
		"no data":             func(env map[string]any) { delete(env, "encData") },
		"half a block":        func(env map[string]any) { env["encData"] = env["encData"].(string)[:16] },
		"no hex":              func(env map[string]any) { env["encData"] = "zz" },
		"a list inside":       func(env map[string]any) { env["encData"] = ecb(t, `["P"]`) },
		"no signature":        func(env map[string]any) { delete(env, "signData") },
		"a short signature":   func(env map[string]any) { env["signData"] = "AAAA" },
		"no base64":           func(env map[string]any) { env["signData"] = "!" },
		"a zero signature":    func(env map[string]any) { env["signData"] = base64.StdEncoding.EncodeToString(make([]byte, 64)) },
		"another cipher":      func(env map[string]any) { env["encType"] = "AES" },
		"another signature":   func(env map[string]any) { env["signType"] = "RSA" },
		"a number for a text": func(env map[string]any) { env["appId"] = 1 },
	} {
		t.Run(rule, func(t *testing.T) {
			env := w.envelope(map[string]any{"code": 0}, map[string]any{"payOrdId": "P"}, false)
			change(env)
			body, err := json.Marshal(env)
			require.NoError(t, err)
			o, _, err := w.client.open(body)
			require.Error(t, err)
			require.Equal(t, opened{}, o)
		})
	}
	other := newWorld(t)
	body, err := json.Marshal(other.envelope(map[string]any{"code": 0}, map[string]any{"payOrdId": "P"}, false))
	require.NoError(t, err)
	_, _, err = w.client.open(body)
	require.ErrorIs(t, err, errSignature, "another platform's key")
}

func TestPruningTwiceIsPruningOnce(t *testing.T) {
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		leaves := []*rapid.Generator[any]{
			rapid.Just[any](nil), rapid.Just[any](""), rapid.Just[any](json.Number("0")), rapid.Just[any](false),
			rapid.Map(rapid.StringN(0, 4, 8), func(s string) any { return s }),
		}
		if depth > 0 {
			leaves = append(leaves,
				rapid.Map(rapid.SliceOfN(value(depth-1), 0, 3), func(l []any) any { return l }),
				rapid.Map(rapid.MapOfN(rapid.StringN(1, 3, 6), value(depth-1), 0, 3), func(m map[string]any) any { return m }))
		}
		return rapid.OneOf(leaves...)
	}
	rapid.Check(t, func(t *rapid.T) {
		once, ok := prune(value(3).Draw(t, "value"))
		if !ok {
			return
		}
		twice, ok := prune(once)
		require.True(t, ok)
		require.Equal(t, once, twice)
		s, err := compact(once)
		require.NoError(t, err)
		var written any
		require.NoError(t, json.Unmarshal([]byte(s), &written))
		require.False(t, hasEmpty(written), s)
	})
}

// hasEmpty looks for null, "", {} and [] at every depth.
func hasEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0 || slices.ContainsFunc(v, hasEmpty)
	case map[string]any:
		return len(v) == 0 || slices.ContainsFunc(slices.Collect(maps.Values(v)), hasEmpty)
	}
	return false
}

func TestSealedMessagesComeBack(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.StringN(1, 20, 60).Draw(rt, "name")
		body, err := w.client.seal(object{"userName": name, "empty": ""})
		require.NoError(rt, err)
		require.NotContains(rt, string(body), "userName", "nothing personal in the plain")
		env, err := decode(body)
		require.NoError(rt, err)
		plain, err := decrypt(w.client.sm4, text(env, "encData"))
		require.NoError(rt, err)
		got, err := decode(plain)
		require.NoError(rt, err)
		require.Equal(rt, object{"userName": name}, got)
	})
}

func FuzzOpenEnvelope(f *testing.F) {
	w := newWorld(f)
	good, err := json.Marshal(w.envelope(map[string]any{"code": 0}, map[string]any{"payOrdId": "P"}, false))
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte(`{"signData":"AAAA","encData":"00"}`))
	f.Add([]byte(`{"code":1,"message":"x"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		o, _, err := w.client.open(body)
		if err != nil {
			require.Equal(t, opened{}, o)
			return
		}
		require.Equal(t, map[string]any{"payOrdId": "P"}, o.data)
	})
}

func FuzzSignText(f *testing.F) {
	f.Add([]byte(`{"data":{"a":[1,"",{"b":null}]},"code":0}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		env, err := decode(b)
		if err != nil {
			return
		}
		first, err := signText(env, "S")
		require.NoError(t, err)
		again, err := signText(env, "S")
		require.NoError(t, err)
		require.Equal(t, first, again, "signing does not change what is signed")
		_, err = signText(quote(env).(object), "S")
		require.NoError(t, err)
	})
}
