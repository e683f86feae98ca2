package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/regpay/regpay/internal/privacy"
)

// Names that stand for those of the machine that recorded.
const (
	anyIdentity = "recorded"
	anySticky   = "sticky"
)

// plain decrypts a history in place and takes out what tells of the machine
// that wrote it. None of that is looked at by a replay.
func plain(h *historypb.History, codec converter.PayloadCodec) error {
	return walk(h.ProtoReflect(), func(m protoreflect.Message) error {
		switch v := m.Interface().(type) {
		case *commonpb.Payload:
			return open(v, codec)
		case *failurepb.Failure:
			// The words are inside a payload, which is open by now.
			converter.DecodeCommonFailureAttributes(converter.GetDefaultDataConverter(), v)
			v.EncodedAttributes, v.StackTrace = nil, ""
		case *taskqueuepb.TaskQueue:
			if v.GetKind() == enumspb.TASK_QUEUE_KIND_STICKY {
				v.Name = anySticky
			}
		}
		if f := m.Descriptor().Fields().ByName("identity"); f != nil && f.Kind() == protoreflect.StringKind && m.Has(f) {
			m.Set(f, protoreflect.ValueOfString(anyIdentity))
		}
		return nil
	})
}

func open(p *commonpb.Payload, codec converter.PayloadCodec) error {
	if string(p.GetMetadata()[converter.MetadataEncoding]) != privacy.EncodingEncrypted {
		return nil
	}
	opened, err := codec.Decode([]*commonpb.Payload{p})
	if err != nil {
		return err
	}
	proto.Reset(p)
	proto.Merge(p, opened[0])
	return nil
}

// walk visits every message inside m, and m after them.
func walk(m protoreflect.Message, visit func(protoreflect.Message) error) (err error) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
			if f.MapValue().Message() != nil {
				v.Map().Range(func(_ protoreflect.MapKey, one protoreflect.Value) bool {
					err = walk(one.Message(), visit)
					return err == nil
				})
			}
		case f.Message() == nil:
		case f.IsList():
			for i := 0; i < v.List().Len() && err == nil; i++ {
				err = walk(v.List().Get(i).Message(), visit)
			}
		default:
			err = walk(v.Message(), visit)
		}
		return err == nil
	})
	if err != nil {
		return err
	}
	return visit(m)
}

// text writes a history as a replayer reads it (client.HistoryFromJSON), an
// event a line.
func text(h *historypb.History) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("{\"events\":[\n")
	for i, e := range h.GetEvents() {
		if i > 0 {
			b.WriteString(",\n")
		}
		line, err := temporalproto.CustomJSONMarshalOptions{}.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("write event %d: %w", e.GetEventId(), err)
		}
		// The marshaller adds blanks at random.
		if err := json.Compact(&b, line); err != nil {
			return nil, fmt.Errorf("write event %d: %w", e.GetEventId(), err)
		}
	}
	b.WriteString("\n]}\n")
	return b.Bytes(), nil
}
