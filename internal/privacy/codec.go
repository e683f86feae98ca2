package privacy

import (
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"
)

// Metadata of an encrypted payload, named as Temporal's own encryption samples
// name it, so that its UI shows what it is.
const (
	MetadataKeyID     = "encryption-key-id"
	EncodingEncrypted = "binary/encrypted"
)

// Codec encrypts everything that reaches Temporal: each payload is replaced by
// one that holds it sealed. It is safe for concurrent use.
//
// Payloads of other encodings pass through Decode unchanged, so that a signal
// typed as plain JSON in Temporal's UI is understood.
type Codec struct{ keys *Keyring }

var _ converter.PayloadCodec = (*Codec)(nil)

// NewCodec makes a codec that seals with the ring's active key.
func NewCodec(keys *Keyring) *Codec { return &Codec{keys: keys} }

// Encode implements converter.PayloadCodec.
func (c *Codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		plain, err := proto.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("encrypt payload: %w", err)
		}
		id := c.keys.Active()
		sealed, err := c.keys.Seal(plain, payloadAAD(id))
		if err != nil {
			return nil, fmt.Errorf("encrypt payload: %w", err)
		}
		out[i] = &commonpb.Payload{Data: sealed, Metadata: map[string][]byte{
			converter.MetadataEncoding: []byte(EncodingEncrypted),
			MetadataKeyID:              []byte(id),
		}}
	}
	return out, nil
}

// Decode implements converter.PayloadCodec. Its errors wrap those of
// Keyring.Open and hold nothing of the content.
func (c *Codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		if string(p.GetMetadata()[converter.MetadataEncoding]) != EncodingEncrypted {
			out[i] = p
			continue
		}
		id := string(p.GetMetadata()[MetadataKeyID])
		plain, err := c.keys.Open(p.GetData(), payloadAAD(id))
		if err != nil {
			return nil, fmt.Errorf("decrypt payload: %w", err)
		}
		out[i] = &commonpb.Payload{}
		if err := proto.Unmarshal(plain, out[i]); err != nil {
			return nil, fmt.Errorf("decrypt payload: %w", ErrEnvelope)
		}
	}
	return out, nil
}

// payloadAAD ties the key's name in the metadata, which people read, to the
// sealed data.
func payloadAAD(keyID string) []byte { return []byte("temporal payload " + keyID) }

// NewDataConverter is Temporal's default converter with everything encrypted.
func NewDataConverter(keys *Keyring) converter.DataConverter {
	return converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), NewCodec(keys))
}

// NewFailureConverter encrypts the messages and stack traces of failures too:
// an error may quote what it was about.
func NewFailureConverter(keys *Keyring) converter.FailureConverter {
	return temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter:          NewDataConverter(keys),
		EncodeCommonAttributes: true,
	})
}
