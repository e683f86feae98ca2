package api

import (
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// PaymentPath is the path of one payment. It is exported since package huma
// reads no embedded type that is not.
// PaymentPath is exported for huma, which reads no unexported embedded struct.
type PaymentPath struct {
	ID string `path:"id" doc:"The payment's id" maxLength:"64"`
}

type getInput struct {
	PaymentPath
	Refresh bool `query:"refresh" doc:"Ask the channel when it is not known yet whether the patient paid"`
}

type paymentOutput struct{ Body wire.Payment }

// get reads a payment.
func (s *server) get(ctx context.Context, in *getInput) (*paymentOutput, error) {
	v, err := s.payment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if in.Refresh && s.poll(ctx, v) {
		if v, err = s.books.Payment(ctx, in.ID); err != nil {
			return nil, err
		}
	}
	return &paymentOutput{Body: wire.PaymentOf(v)}, nil
}

// payment reads a payment of the caller's hospitals. Another hospital's is as
// unknown as one that does not exist.
func (s *server) payment(ctx context.Context, id string) (store.View, error) {
	return ofCaller(ctx, id, s.books.Payment, func(v store.View) string { return v.HospitalID })
}

// ref is payment for whoever need not know how it stands.
func (s *server) ref(ctx context.Context, id string) (Ref, error) {
	return ofCaller(ctx, id, s.books.Ref, func(r Ref) string { return r.HospitalID })
}

func ofCaller[V any](ctx context.Context, id string, read func(context.Context, string) (V, error), hospital func(V) string) (V, error) {
	var none V
	if !strings.HasPrefix(id, "pay_") || strings.ContainsFunc(id, notIDRune) {
		return none, newProblem(payment.CodeNotFound)
	}
	v, err := read(ctx, id)
	if err != nil {
		return none, err
	}
	if !callerOf(ctx).may(hospital(v)) {
		return none, newProblem(payment.CodeNotFound)
	}
	return v, nil
}

func refOf(v store.Standing) Ref { return Ref{HospitalID: v.HospitalID, OrderNo: v.OrderNo} }

type listInput struct {
	Hospital string         `query:"hospital_id" maxLength:"32" pattern:"^[a-z0-9-]*$" doc:"One hospital alone"`
	OrderNo  string         `query:"order_no" maxLength:"24" pattern:"^[0-9A-Za-z]*$"`
	Status   payment.Status `query:"status" enum:"pending,verifying,awaiting_payment,clearing,paid,registered,completed,in_review,suspended,refunding,closed,refunded,rejected"`
	Limit    int            `query:"limit" minimum:"1" maximum:"50" default:"50"`
	Cursor   string         `query:"cursor" maxLength:"200" doc:"next of the page before"`
}

type listOutput struct{ Body wire.Page }

// list finds payments of the caller's hospitals, newest first.
func (s *server) list(ctx context.Context, in *listInput) (*listOutput, error) {
	out := &listOutput{Body: wire.Page{Items: []wire.Payment{}}}
	f := store.Filter{Hospitals: scope(callerOf(ctx), in.Hospital), OrderNo: in.OrderNo, Status: in.Status, Limit: in.Limit + 1}
	if len(f.Hospitals) == 0 {
		return out, nil
	}
	if in.Cursor != "" {
		var ok bool
		if f.Before, f.BeforeID, ok = readCursor(in.Cursor); !ok {
			return nil, newProblem(CodeCursor)
		}
	}
	views, err := s.books.Payments(ctx, f)
	if err != nil {
		return nil, err
	}
	if len(views) > in.Limit {
		views = views[:in.Limit]
		last := views[in.Limit-1]
		out.Body.Next = cursor(last.CreatedAt, last.ID)
	}
	for _, v := range views {
		out.Body.Items = append(out.Body.Items, wire.PaymentOf(v))
	}
	return out, nil
}

// scope is the hospitals to look in: the caller's, or the one that is asked
// for when it is one of them.
func scope(c caller, hospital string) []string {
	switch {
	case hospital == "" && c.everywhere():
		return []string{store.AllHospitals}
	case hospital == "":
		return slices.Clone(c.Hospitals)
	case hospital != store.AllHospitals && c.may(hospital):
		return []string{hospital}
	}
	return nil
}

// cursor names the last row of a page. It is opaque to callers.
func cursor(at time.Time, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(at.UnixNano(), 36) + "." + id))
}

func readCursor(s string) (time.Time, string, bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return time.Time{}, "", false
	}
	at, id, ok := strings.Cut(string(b), ".")
	nanos, err := strconv.ParseInt(at, 36, 64)
	if !ok || err != nil || !strings.HasPrefix(id, "pay_") || strings.ContainsFunc(id, notIDRune) {
		return time.Time{}, "", false
	}
	return time.Unix(0, nanos).UTC(), id, true
}

// notIDRune keeps bytes that no id has (a NUL above all, which PostgreSQL
// refuses) away from the database.
func notIDRune(r rune) bool {
	return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

type timelineOutput struct{ Body wire.Timeline }

func (s *server) timeline(ctx context.Context, in *PaymentPath) (*timelineOutput, error) {
	if _, err := s.ref(ctx, in.ID); err != nil {
		return nil, err
	}
	all, err := s.books.Timeline(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &timelineOutput{Body: wire.TimelineOf(in.ID, all)}, nil
}
