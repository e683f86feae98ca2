package insurance

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestTheDataKeyIsThatOfTheKnownExample(t *testing.T) {
	key, err := dataKey("43AF047BBA47FC8A1AE8EFB232BDBBCB", "4117E877F5FA0A0188891283E4B617D5")
	require.NoError(t, err)
	assert.Equal(t, "863B5F40C70B71EA", string(key))
	_, err = dataKey("short", "x")
	assert.Error(t, err)
}

func TestTheStringToSign(t *testing.T) {
	for name, c := range map[string]struct{ envelope, want string }{
		"signData and encData are left out, names are sorted": {
			`{"version":"2.0.1","appId":"A","encData":"00","signData":"xx","data":{"b":"2","a":"1"}}`,
			`appId=A&data={"a":"1","b":"2"}&version=2.0.1&key=S`},
		"empty values go at every depth": {
			`{"message":"","x":null,"data":{"z":null,"a":{},"b":[],"c":"","d":{"e":{"f":""}},"g":[{"h":null},{"i":"1","j":[]}]}}`,
			`data={"g":[{"i":"1"}]}&key=S`},
		"no data at all": {`{"appId":"A","data":{}}`, `appId=A&key=S`},
		"numbers stay as written, zero and false are values": {
			`{"code":0,"success":false,"data":{"amt":10.50,"n":1e2,"f":false}}`,
			`code=0&data={"amt":10.50,"f":false,"n":1e2}&success=false&key=S`},
		"only what JSON must escape is escaped": {
			`{"data":{"a":"<&>\u4e2d\u6587\/\"\\\n\u0001"}}`,
			"data={\"a\":\"<&>中文/\\\"\\\\\\n\\u0001\"}&key=S"},
		"capitals sort before small letters": {`{"b":"1","B":"2","a":"3"}`, `B=2&a=3&b=1&key=S`},
	} {
		t.Run(name, func(t *testing.T) {
			fields, err := decodeObject([]byte(c.envelope))
			require.NoError(t, err)
			got, err := stringToSign(fields, "S")
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestJSONThatCanBeReadInTwoWaysIsRefused(t *testing.T) {
	for name, raw := range map[string]string{
		"a name twice":    `{"a":1,"a":2}`,
		"twice in depth":  `{"a":{"b":1,"b":2}}`,
		"more behind it":  `{"a":1}{"b":2}`,
		"not an object":   `[1]`,
		"not UTF-8":       "{\"a\":\"\xff\"}",
		"cut off":         `{"a":[1`,
		"nothing":         ``,
		"nested too deep": nested(100),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decodeObject([]byte(raw))
			assert.Error(t, err)
		})
	}
}

func nested(depth int) string {
	s := ""
	for range depth {
		s += `{"a":`
	}
	return s
}

func TestCanonicalFormReadsBackTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		object := map[string]any{}
		for k, v := range rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "object") {
			object[k] = v
		}
		canonical, err := appendCanonical(nil, object)
		require.NoError(t, err)
		require.True(t, json.Valid(canonical))
		read, err := decodeObject(canonical)
		require.NoError(t, err)
		require.Equal(t, object, read)
	})
}

func TestSplitsAlwaysAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(1, 1_000_000).Draw(t, "total")
		uncovered := rapid.Int64Range(0, total).Draw(t, "uncovered")
		first := rapid.Int64Range(0, total-uncovered).Draw(t, "first")
		for _, s := range []splits{settle(total, uncovered, first, true), settle(total, uncovered, first, false),
			settle(total, uncovered, first, true).shifted()} {
			require.Equal(t, total, s.own+s.account+s.fund)
			require.GreaterOrEqual(t, min(s.own, s.account, s.fund), int64(0))
		}
		require.NotEqual(t, settle(total, uncovered, first, true), settle(total, uncovered, first, true).shifted())
	})
}

func TestYuan(t *testing.T) {
	for text, fen := range map[string]int64{"0": 0, "12": 1200, "12.3": 1230, "12.34": 1234, "0.01": 1, "007.00": 700} {
		got, ok := parseYuan(text)
		assert.True(t, ok, text)
		assert.Equal(t, fen, got, text)
	}
	for _, text := range []string{"", ".", "1.", ".5", "1.234", "-1", "+1", "1e2", " 1", "1,000", "1000000000", "９"} {
		_, ok := parseYuan(text)
		assert.False(t, ok, text)
	}
}

func TestResidentIDs(t *testing.T) {
	for id, valid := range map[string]bool{
		"11010519491231002X": true, "11010519491231002x": true, "440524188001010014": true,
		"110105194912310021": false, "11010519491331002X": false, "1101051949123100": false, "1101051949123100AX": false, "": false,
	} {
		assert.Equal(t, valid, validResidentID(id), id)
	}
}

func FuzzParseEnvelope(f *testing.F) {
	f.Add([]byte(`{"appId":"A","encType":"SM4","signType":"SM2","version":"2.0.1","timestamp":"20260302100000","encData":"00","signData":"x"}`))
	f.Add([]byte(`{"a":{"b":[1,2.50,"",null,{}]}}`))
	f.Add([]byte(`{"a":"\ud800"}`))
	f.Add([]byte(nested(40)))
	app := &application{appID: "43AF047BBA47FC8A1AE8EFB232BDBBCB", appSecret: "4117E877F5FA0A0188891283E4B617D5"}
	key, err := openTestKey()
	if err != nil {
		f.Fatal(err)
	}
	app.platformKey, app.callerKey = key, &key.PublicKey
	f.Fuzz(func(t *testing.T, body []byte) {
		object, err := decodeObject(body)
		if err == nil {
			toSign, err := stringToSign(object, "S")
			require.NoError(t, err)
			// Canonical form is a fixed point: writing and reading it again
			// gives the same text to sign.
			canonical, err := appendCanonical(nil, object)
			require.NoError(t, err)
			again, err := decodeObject(canonical)
			require.NoError(t, err)
			second, err := stringToSign(again, "S")
			require.NoError(t, err)
			require.Equal(t, toSign, second)
		}
		fields, err := parseEnvelope(body)
		if err != nil {
			return
		}
		_, err = app.open(fields)
		require.Error(t, err, "nothing verifies that the key's holder did not sign")
	})
}

func FuzzParseYuan(f *testing.F) {
	f.Add("12.34")
	f.Add("1.")
	f.Fuzz(func(t *testing.T, text string) {
		fen, ok := parseYuan(text)
		if !ok {
			return
		}
		again, ok := parseYuan(yuan(fen))
		require.True(t, ok)
		require.Equal(t, fen, again)
	})
}
