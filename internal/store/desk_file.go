package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/privacy"
)

// mostNotices is how many notifications of a payment are shown: a channel that
// is not answered as it likes repeats them for days.
const mostNotices = 50

// File is all that is known of one payment, the patient masked.
type File struct {
	Payment  View
	Patient  MaskedPatient
	Slot     payment.Slot
	Fees     []payment.Fee
	Choice   payment.Choice // without the patient's authorisations
	Cases    []DeskCase     // oldest first, decided ones too
	Timeline []Happening    // the whole log, also who looked and who claimed
	Attempts []AttemptFile
	Refunds  []RefundFile
	Books    []TenderBooks
	Notices  []Notice // the first fifty
}

// CaseFile is a case with all that is known of its payment.
type CaseFile struct {
	Case DeskCase
	File
}

// MaskedPatient is enough to recognise a patient by.
type MaskedPatient struct {
	Name     string
	IDType   payment.IDType
	IDNumber string
	Phone    string
}

func mask(p payment.Patient) MaskedPatient {
	return MaskedPatient{Name: privacy.MaskName(p.Name), IDType: p.IDType, IDNumber: privacy.MaskID(p.IDNumber), Phone: privacy.MaskPhone(p.Phone)}
}

// AttemptFile is a charge: what was sent and what the channel answered last.
type AttemptFile struct {
	Attempt    int
	Channel    payment.Channel
	Scene      payment.Scene
	MerchantNo string
	State      channel.State
	Code       string // the channel's own word for the state
	Amount     money.Money
	Captured   money.Money
	Refunded   money.Money // returned or on its way
	Prepaid    bool        // the channel answered the first call
	Sent       Sent
	Captures   []CaptureFile
}

// Sent is what a channel was told of a charge, personal data masked.
type Sent struct {
	At          time.Time
	ExpiresAt   time.Time
	Description string
	Total       money.Money // of the whole order
	Payer       MaskedPatient
	PsnNo       string // the insured person's number, masked
	City        string
	Authorised  bool // the patient's authorisation for the insurance went with it
}

// CaptureFile is money that came in.
type CaptureFile struct {
	ChannelNo  string
	Amount     money.Money
	Refunded   money.Money // returned or on its way
	RecordedAt time.Time
	Report     channel.Report
}

// RefundFile is a refund with its steps, as far as it has come.
type RefundFile struct {
	RefundRow
	Channel    payment.Channel
	AcceptedAt time.Time // when the channel took it; zero before
	Retries    int       // after the first try, as a person wanted
	Offline    bool      // handed over on site
}

// Notice is a notification of a channel's.
type Notice struct {
	Channel    payment.Channel
	ReceivedAt time.Time
	Outcome    string // "accepted", or the code of why it was not believed
}

// CaseFile reads a case's page, or returns ErrNotFound. Claims are those that
// hold at at.
func (s *Store) CaseFile(ctx context.Context, caseID string, at time.Time) (CaseFile, error) {
	c, err := s.DeskCase(ctx, caseID, at)
	if err != nil {
		return CaseFile{}, err
	}
	f, err := s.PaymentFile(ctx, c.PaymentID, at)
	if err != nil {
		return CaseFile{}, err
	}
	for _, same := range f.Cases { // read a moment later than c, together with the rest
		if same.ID == c.ID {
			c = same
		}
	}
	return CaseFile{Case: c, File: f}, nil
}

// PaymentFile reads a payment's page, or returns ErrNotFound. Its parts are
// read one after the other: while the payment moves, a later one can know more
// than an earlier one.
func (s *Store) PaymentFile(ctx context.Context, paymentID string, at time.Time) (File, error) {
	if !isID(paymentID) {
		return File{}, fmt.Errorf("read payment: %w", ErrNotFound)
	}
	v, err := s.Payment(ctx, paymentID)
	if err != nil {
		return File{}, err
	}
	r, err := s.Order(ctx, paymentID)
	if err != nil {
		return File{}, err
	}
	f := File{Payment: v, Patient: mask(r.Order.Patient), Slot: r.Order.Slot, Fees: r.Order.Fees,
		Choice: payment.Choice{Method: r.Choice.Method, Scene: r.Choice.Scene, SelfPay: r.Choice.SelfPay, InsuranceAmount: r.Choice.InsuranceAmount}}
	if f.Cases, err = s.desk(ctx, at, ` WHERE c.payment_id = ? ORDER BY c.opened_at, c.id`, paymentID); err != nil {
		return File{}, err
	}
	if f.Timeline, err = s.happenings(ctx, paymentID); err != nil {
		return File{}, err
	}
	if f.Attempts, err = s.attemptFiles(ctx, paymentID); err != nil {
		return File{}, err
	}
	if f.Refunds, err = s.refundFiles(ctx, paymentID); err != nil {
		return File{}, err
	}
	if f.Books, err = s.tenderBooks(ctx, paymentID); err != nil {
		return File{}, err
	}
	f.Notices, err = s.notices(ctx, paymentID)
	return f, err
}

func (s *Store) attemptFiles(ctx context.Context, paymentID string) ([]AttemptFile, error) {
	var rows []attemptRow
	if err := s.db.SelectContext(ctx, &rows, selectAttempt+`WHERE a.payment_id = $1 ORDER BY a.attempt`, paymentID); err != nil {
		return nil, fmt.Errorf("read the attempts of %s: %w", paymentID, err)
	}
	captures, err := s.captureFiles(ctx, paymentID)
	if err != nil {
		return nil, err
	}
	out := make([]AttemptFile, len(rows))
	for i, r := range rows {
		a, err := s.attemptOf(r)
		if err != nil {
			return nil, fmt.Errorf("read attempt %d of %s: %w", r.Attempt, paymentID, err)
		}
		c := a.Charge
		out[i] = AttemptFile{Attempt: r.Attempt, Channel: r.Channel, Scene: c.Scene, MerchantNo: r.MerchantNo, State: r.State, Code: r.Code,
			Amount: r.money(r.Amount), Captured: r.money(r.Captured), Refunded: r.money(r.Reserved), Prepaid: r.Prepaid,
			Sent: Sent{At: c.CreatedAt.UTC(), ExpiresAt: c.ExpiresAt.UTC(), Description: c.Description, Total: c.Total, Payer: mask(c.Payer),
				PsnNo: privacy.MaskID(c.Payer.PsnNo), City: c.Payer.City, Authorised: c.PayAuthNo != "" || c.ECToken != ""},
			Captures: captures[r.Attempt]}
	}
	return out, nil
}

// captureFiles are a payment's captures by attempt.
func (s *Store) captureFiles(ctx context.Context, paymentID string) (map[int][]CaptureFile, error) {
	var rows []struct {
		Attempt    int            `db:"attempt"`
		ChannelNo  string         `db:"channel_no"`
		Currency   money.Currency `db:"currency"`
		Amount     int64          `db:"amount_fen"`
		Reserved   int64          `db:"reserved_fen"`
		RecordedAt time.Time      `db:"recorded_at"`
		Report     []byte         `db:"report"`
	}
	const read = `
SELECT attempt, channel_no, currency, amount_fen, reserved_fen, recorded_at, report FROM captures
 WHERE payment_id = $1 ORDER BY attempt, recorded_at, channel_no`
	if err := s.db.SelectContext(ctx, &rows, read, paymentID); err != nil {
		return nil, fmt.Errorf("read the captures of %s: %w", paymentID, err)
	}
	out := map[int][]CaptureFile{}
	for _, r := range rows {
		c := CaptureFile{ChannelNo: r.ChannelNo, Amount: money.Minor(r.Amount, r.Currency), Refunded: money.Minor(r.Reserved, r.Currency),
			RecordedAt: r.RecordedAt.UTC()}
		if err := json.Unmarshal(r.Report, &c.Report); err != nil {
			return nil, fmt.Errorf("read a capture of attempt %d of %s: %w", r.Attempt, paymentID, err)
		}
		out[r.Attempt] = append(out[r.Attempt], c)
	}
	return out, nil
}

func (s *Store) refundFiles(ctx context.Context, paymentID string) ([]RefundFile, error) {
	var rows []refundRow
	if err := s.db.SelectContext(ctx, &rows, selectRefund+`WHERE r.payment_id = $1 ORDER BY r.n`, paymentID); err != nil {
		return nil, fmt.Errorf("read the refunds of %s: %w", paymentID, err)
	}
	out := make([]RefundFile, len(rows))
	for i, r := range rows {
		row, err := refundOf(r)
		if err != nil {
			return nil, err
		}
		out[i] = RefundFile{RefundRow: row, Channel: r.Channel, AcceptedAt: utc(r.AcceptedAt), Retries: r.Retries, Offline: r.Offline}
	}
	return out, nil
}

// notices are sorted by a time that has no index: by id, the planner could walk
// the whole table in the hope of meeting them early.
func (s *Store) notices(ctx context.Context, paymentID string) ([]Notice, error) {
	var rows []struct {
		Channel    payment.Channel `db:"channel"`
		ReceivedAt time.Time       `db:"received_at"`
		Outcome    string          `db:"outcome"`
	}
	const read = `
SELECT channel, received_at, outcome FROM webhooks WHERE payment_id = $1 AND payment_id <> ''
 ORDER BY received_at, id LIMIT $2`
	if err := s.db.SelectContext(ctx, &rows, read, paymentID, mostNotices); err != nil {
		return nil, fmt.Errorf("read the notifications of %s: %w", paymentID, err)
	}
	out := make([]Notice, len(rows))
	for i, r := range rows {
		out[i] = Notice{Channel: r.Channel, ReceivedAt: r.ReceivedAt.UTC(), Outcome: r.Outcome}
	}
	return out, nil
}
