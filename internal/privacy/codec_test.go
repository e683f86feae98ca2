package privacy_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"github.com/regpay/regpay/internal/privacy"
)

func payload(t testing.TB, v any) *commonpb.Payload {
	t.Helper()
	p, err := converter.GetDefaultDataConverter().ToPayload(v)
	require.NoError(t, err)
	return p
}

func TestPayloadsAreEncryptedWithTheirKeysName(t *testing.T) {
	c := privacy.NewCodec(ring(t, "2026"))
	in := []*commonpb.Payload{payload(t, "张三 999999199001010017"), payload(t, nil)}
	before := proto.Clone(in[0])
	out, err := c.Encode(in)
	require.NoError(t, err)
	require.True(t, proto.Equal(before, in[0]), "the codec must not alter its input")
	for _, p := range out {
		require.Equal(t, privacy.EncodingEncrypted, string(p.Metadata[converter.MetadataEncoding]))
		require.Equal(t, "2026", string(p.Metadata[privacy.MetadataKeyID]))
		require.NotContains(t, p.String(), "999999")
	}
	back, err := privacy.NewCodec(ring(t, "2025")).Decode(out) // rotated since
	require.NoError(t, err)
	for i := range in {
		require.True(t, proto.Equal(in[i], back[i]))
	}
}

func TestPlainPayloadsPassThrough(t *testing.T) {
	// A person types a decision into Temporal's UI.
	plain := payload(t, map[string]string{"decision": "refund"})
	out, err := privacy.NewCodec(ring(t, "2026")).Decode([]*commonpb.Payload{plain, nil, {}})
	require.NoError(t, err)
	require.True(t, proto.Equal(plain, out[0]))
	var got map[string]string
	require.NoError(t, privacy.NewDataConverter(ring(t, "2026")).FromPayload(plain, &got))
	require.Equal(t, "refund", got["decision"])
}

func TestAlteredPayloadsAreRefused(t *testing.T) {
	c := privacy.NewCodec(ring(t, "2026"))
	for name, alter := range map[string]func(*commonpb.Payload){
		"data":           func(p *commonpb.Payload) { p.Data[len(p.Data)-1] ^= 1 },
		"the key's name": func(p *commonpb.Payload) { p.Metadata[privacy.MetadataKeyID] = []byte("2025") },
		"empty":          func(p *commonpb.Payload) { p.Data = nil },
	} {
		out, err := c.Encode([]*commonpb.Payload{payload(t, "x")})
		require.NoError(t, err)
		alter(out[0])
		_, err = c.Decode(out)
		require.Error(t, err, name)
	}
}

func TestDataConverterRoundTrip(t *testing.T) {
	dc := privacy.NewDataConverter(ring(t, "2026"))
	ps, err := dc.ToPayloads("a", 7)
	require.NoError(t, err)
	var s string
	var n int
	require.NoError(t, dc.FromPayloads(ps, &s, &n))
	require.Equal(t, "a", s)
	require.Equal(t, 7, n)
}

func TestFailuresAreEncrypted(t *testing.T) {
	fc := privacy.NewFailureConverter(ring(t, "2026"))
	f := fc.ErrorToFailure(errors.New("patient 张三 is unknown"))
	require.NotContains(t, f.String(), "张三")
	require.NotContains(t, f.GetMessage(), "patient")
	require.ErrorContains(t, fc.FailureToError(f), "patient 张三 is unknown")
}

func FuzzDecode(f *testing.F) {
	c := privacy.NewCodec(ring(f, "2026"))
	out, err := c.Encode([]*commonpb.Payload{payload(f, "x")})
	require.NoError(f, err)
	good, err := proto.Marshal(out[0])
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var p commonpb.Payload
		if proto.Unmarshal(b, &p) != nil {
			return
		}
		got, err := c.Decode([]*commonpb.Payload{&p})
		if err == nil && len(got) != 1 {
			t.Fatalf("%d payloads from one", len(got))
		}
	})
}
