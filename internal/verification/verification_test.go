package verification_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/identity"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
	"github.com/regpay/regpay/internal/verification"
)

var _ verification.Books = (*store.Store)(nil)

type desk struct {
	*verification.Desk
	req     payment.Request
	readErr error
	kept    []store.Challenge
	keepErr error
	sent    []identity.Message
	sendErr []error // one a try; nil after the last
	faces   []identity.FaceStart
	faceErr []error
	ticket  identity.FaceTicket
	none    bool
}

func now() time.Time { return time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC) }

func newDesk() *desk {
	d := &desk{ticket: identity.FaceTicket{VerifyID: "V1", ExpiresAt: now().Add(time.Hour)}}
	d.req.Order.HospitalID = "ren-he"
	first := "11010119900307001"
	d.req.Order.Patient = payment.Patient{Name: "张三", IDType: payment.IDCard,
		IDNumber: first + string(payment.IDCardCheck(first)), Phone: "13800000000", OpenID: "o-1"}
	d.Desk = verification.New(d, d, now)
	return d
}

func (d *desk) OrderToVerify(context.Context, string) (payment.Request, error) {
	return d.req, d.readErr
}
func (d *desk) StartChallenge(_ context.Context, c store.Challenge) error {
	if d.keepErr == nil {
		d.kept = append(d.kept, c)
	}
	return d.keepErr
}
func (d *desk) SMS(string) (identity.SMS, error) {
	if d.none {
		return nil, payment.Problem{Code: payment.CodeVerifyKind}
	}
	return d, nil
}
func (d *desk) Face(string) (identity.Face, error) { return d, nil }
func (d *desk) Send(_ context.Context, m identity.Message) error {
	d.sent = append(d.sent, m)
	return next(d.sendErr, len(d.sent))
}
func (d *desk) Start(_ context.Context, s identity.FaceStart) (identity.FaceTicket, error) {
	d.faces = append(d.faces, s)
	return d.ticket, next(d.faceErr, len(d.faces))
}
func (d *desk) Result(context.Context, identity.FaceTicket, identity.FaceStart) (identity.FaceResult, error) {
	return "", errors.New("not asked here")
}

func next(errs []error, call int) error {
	if call <= len(errs) {
		return errs[call-1]
	}
	return nil
}

func failure(k payment.Kind) error {
	return &payment.Failure{Kind: k, System: "sms", Op: "send", Code: "X"}
}

func TestStartSMSKeepsBeforeItSends(t *testing.T) {
	d := newDesk()
	got, err := d.StartSMS(t.Context(), "pay_1")
	require.NoError(t, err)
	require.Len(t, d.kept, 1)
	require.Len(t, d.sent, 1)
	require.Equal(t, d.kept[0].Code, d.sent[0].Code)
	require.Len(t, d.sent[0].Code, identity.CodeDigits)
	require.Equal(t, d.kept[0].ID, d.sent[0].Ref)
	require.Equal(t, "13800000000", d.sent[0].Phone)
	require.Equal(t, got.Challenge, d.kept[0].ID)
	require.Equal(t, now().Add(verification.SMSLife), got.ExpiresAt)
}

func TestStartSMSSendsNothingThatTheBooksRefuse(t *testing.T) {
	d := newDesk()
	d.keepErr = payment.Problem{Code: payment.CodeTooMany}
	_, err := d.StartSMS(t.Context(), "pay_1")
	require.True(t, payment.HasCode(err, payment.CodeTooMany))
	require.Empty(t, d.sent)
}

func TestStartSMSByWhatTheGatewaySays(t *testing.T) {
	for _, tc := range []struct {
		name    string
		says    []error
		tries   int
		started bool
		code    string
	}{
		{"an unknown outcome is asked again with the same message", []error{failure(payment.Uncertain)}, 2, true, ""},
		{"an unknown outcome twice still counts as started", []error{failure(payment.Uncertain), context.DeadlineExceeded}, 2, true, ""},
		{"what can be repeated is repeated once", []error{failure(payment.Retryable), failure(payment.Retryable)}, 2, false, ""},
		{"a refusal is final", []error{failure(payment.Final)}, 1, false, payment.CodeVerification},
		{"too fast is told as such and not repeated", []error{&payment.Failure{Kind: payment.Retryable, Err: &identity.TooFast{}}}, 1, false, payment.CodeTooMany},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newDesk()
			d.sendErr = tc.says
			_, err := d.StartSMS(t.Context(), "pay_1")
			require.Len(t, d.sent, tc.tries)
			for _, m := range d.sent {
				require.Equal(t, d.sent[0].Ref, m.Ref)
				require.Equal(t, d.sent[0].Code, m.Code)
			}
			require.Equal(t, tc.started, err == nil)
			if tc.code != "" {
				require.True(t, payment.HasCode(err, tc.code))
			}
		})
	}
}

func TestStartSMSWhereTheHospitalHasNone(t *testing.T) {
	d := newDesk()
	d.none = true
	_, err := d.StartSMS(t.Context(), "pay_1")
	require.True(t, payment.HasCode(err, payment.CodeVerifyKind))
	require.Empty(t, d.kept)
}

func TestStartFace(t *testing.T) {
	d := newDesk()
	d.ticket.ExpiresAt = now().Add(time.Minute)
	got, err := d.StartFace(t.Context(), "pay_1")
	require.NoError(t, err)
	require.Equal(t, "V1", got.VerifyID)
	require.Equal(t, now().Add(time.Minute), got.ExpiresAt, "never longer than the ticket")
	require.Equal(t, "V1", d.kept[0].VerifyID)
	require.Equal(t, d.faces[0].OutSeqNo, d.kept[0].OutSeqNo)
	require.Regexp(t, `^[0-9A-Za-z_-]{5,32}$`, d.faces[0].OutSeqNo)
}

func TestStartFaceRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*desk)
		code   string
	}{
		"without an openid":   {func(d *desk) { d.req.Order.Patient.OpenID = "" }, payment.CodeOpenID},
		"for a passport":      {func(d *desk) { d.req.Order.Patient.IDType = payment.Passport }, payment.CodeIDType},
		"what WeChat refuses": {func(d *desk) { d.faceErr = []error{failure(payment.Final)} }, payment.CodeVerification},
	} {
		d := newDesk()
		tc.change(d)
		_, err := d.StartFace(t.Context(), "pay_1")
		require.True(t, payment.HasCode(err, tc.code), name)
		require.Empty(t, d.kept, name)
	}
}

func TestStartFaceTwiceUnknownKeepsNothing(t *testing.T) {
	d := newDesk()
	d.faceErr = []error{failure(payment.Uncertain), failure(payment.Uncertain)}
	_, err := d.StartFace(t.Context(), "pay_1")
	require.Error(t, err)
	require.Len(t, d.faces, 2)
	require.Equal(t, d.faces[0].OutSeqNo, d.faces[1].OutSeqNo)
	require.Empty(t, d.kept)
}

func TestAPaymentThatWaitsForNoVerificationStartsNone(t *testing.T) {
	d := newDesk()
	d.readErr = payment.Problem{Code: payment.CodeState}
	_, err := d.StartSMS(t.Context(), "pay_1")
	require.True(t, payment.HasCode(err, payment.CodeState))
	_, err = d.StartFace(t.Context(), "pay_1")
	require.True(t, payment.HasCode(err, payment.CodeState))
	require.Empty(t, d.sent)
	require.Empty(t, d.faces)
	require.Empty(t, d.kept)
}
