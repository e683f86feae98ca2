package unionpay

import (
	"encoding/hex"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestCanonicalTextIsSortedUnescapedAndWithoutEmptyFieldsOrSignature(t *testing.T) {
	f := fields{"txnTime": "20260302120000", "merId": "7 7&=", "signature": "x", "orderDesc": "", "certId": "1"}
	require.Equal(t, "certId=1&merId=7 7&=&txnTime=20260302120000", f.canonical())
}

func TestDigestHashesTheLowerHexOfTheFirstHash(t *testing.T) {
	// sha256sum of the text, and of the hex that it prints.
	require.Equal(t, "87f104f5faabed07fb31c85ce20874db97b4fa037fcd271781bcfe91103cdd4e", hex.EncodeToString(digest("certId=1&merId=777290058110048")))
}

func TestRepliesAreReadEscapedOrNot(t *testing.T) {
	cert := "-----BEGIN CERTIFICATE-----\r\nMIIB+/a=\r\n-----END CERTIFICATE-----"
	for _, tc := range []struct {
		rule, body string
		want       fields
	}{
		{"a plain body keeps plus, percent and line breaks", "signature=a+/b==&signPubKeyCert=" + cert + "&respMsg=成功[0000000]&x=%41",
			fields{"signature": "a+/b==", "signPubKeyCert": cert, "respMsg": "成功[0000000]", "x": "%41"}},
		{"a message in braces is one value", "respCode=00&cardTransData={a=1&b=[2&3]}&respMsg=成功",
			fields{"respCode": "00", "cardTransData": "{a=1&b=[2&3]}", "respMsg": "成功"}},
		{"an encoded body is unescaped", "respMsg=%E6%88%90%E5%8A%9F&signature=a%2B%2Fb%3D%3D&d=a+b",
			fields{"respMsg": "成功", "signature": "a+/b==", "d": "a b"}},
		{"an empty value is a value", "a=&b=成", fields{"a": "", "b": "成"}},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			f, err := parseReply(tc.body)
			require.NoError(t, err)
			require.Equal(t, tc.want, f)
		})
	}
}

func TestWhatIsNoMessageIsRefused(t *testing.T) {
	for rule, body := range map[string]string{
		"nothing":             "",
		"a page":              "<html><body>502 Bad Gateway</body></html>",
		"a name twice":        "a=1&a=2",
		"a name twice, plain": "a=成&a=2",
		"no name":             "=1",
		"no name, plain":      "=成",
		"bad escaping":        "a=%zz",
		"too many fields":     strings.Repeat("a=1&", maxFields+1),
		"too long":            "a=" + strings.Repeat("成", maxBody),
	} {
		t.Run(rule, func(t *testing.T) {
			_, err := parseReply(body)
			require.Error(t, err)
		})
	}
}

func TestEncodedFormsComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := fields(rapid.MapOfN(rapid.StringMatching(`[a-zA-Z]{1,12}`), rapid.StringN(1, 20, 60), 1, 12).Draw(t, "fields"))
		got, err := parseEncoded(f.encode())
		require.NoError(t, err)
		require.Equal(t, f, got)
		require.Equal(t, f.canonical(), got.canonical())
	})
}

func FuzzParseReply(f *testing.F) {
	for _, s := range []string{"", "a=1&b=2", "respCode=00&respMsg=成功[0000000]", "a={b=1&c=2}&d=3", "a=%E6%88%90", "a=[&b=2", "a=1&a=2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got, err := parseReply(body)
		if err != nil {
			require.Nil(t, got)
			return
		}
		require.NotEmpty(t, got)
		again, err := parseEncoded(got.encode())
		if err == nil { // fields of empty values alone encode to nothing
			want := maps.Clone(got)
			maps.DeleteFunc(want, func(_, v string) bool { return v == "" })
			require.Equal(t, want, again)
		}
	})
}
