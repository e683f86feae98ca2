// Package ledger is double-entry bookkeeping for captured and returned money.
//
// A Transaction moves amounts between accounts of one hospital. Debits are
// positive and credits negative, so that a transaction balances when its
// postings sum to zero in every currency (rule I7). Nothing here is ever
// changed afterwards: a refund is a transaction of its own that goes the other
// way. The package is pure; the store writes what it makes.
package ledger

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// Account names an account of one hospital, such as "receivable/wechat".
type Account string

// Registrations is the hospital's income from registrations, a credit.
const Registrations Account = "registrations"

// CashOnSite is money that staff handed back at the hospital, a credit: it
// never went through a channel, whose books know nothing of it.
const CashOnSite Account = "cash_on_site"

// Receivable is what a channel owes the hospital before its fee: all that it
// captured less all that it refunded. The channel's own books agree with it.
func Receivable(c payment.Channel) Account { return Account("receivable/" + string(c)) }

// FeeExpense is what the channel's fees cost the hospital.
func FeeExpense(c payment.Channel) Account { return Account("fee_expense/" + string(c)) }

// FeePayable is the fee that the channel will keep from what it settles.
func FeePayable(c payment.Channel) Account { return Account("fee_payable/" + string(c)) }

// Of is the account's name over all hospitals: "<hospital>/receivable/wechat".
func (a Account) Of(hospital string) Account { return Account(hospital) + "/" + a }

// Kind is what a transaction is for.
type Kind string

// The kinds of transaction.
const (
	Captured        Kind = "capture"
	Refunded        Kind = "refund"
	RefundedOffline Kind = "refund_offline"
)

// Posting is one line of a transaction: a debit when Amount is positive, a
// credit when it is negative.
type Posting struct {
	Account Account
	Amount  money.Money
}

// Transaction is postings that belong together. ID is derived from what caused
// it, so that the same cause can never be booked twice.
type Transaction struct {
	ID         string
	HospitalID string
	PaymentID  string
	Kind       Kind
	Channel    payment.Channel
	At         time.Time
	Postings   []Posting
}

// Errors of Check and of the constructors, for errors.Is.
var (
	ErrUnbalanced = errors.New("the postings do not sum to zero")
	ErrEmpty      = errors.New("a transaction has two postings or more, none of them zero")
	ErrAmount     = errors.New("not an amount that can be booked")
)

// Check finds out whether the transaction may be written: ErrEmpty or
// ErrUnbalanced.
func (t Transaction) Check() error {
	if len(t.Postings) < 2 {
		return fmt.Errorf("transaction %s: %w", t.ID, ErrEmpty)
	}
	sums := map[money.Currency]int64{}
	for _, p := range t.Postings {
		if p.Amount.IsZero() || !p.Amount.Valid() || p.Account == "" {
			return fmt.Errorf("transaction %s: %w", t.ID, ErrEmpty)
		}
		sums[p.Amount.Currency()] += p.Amount.Minor()
	}
	for _, sum := range sums {
		if sum != 0 {
			return fmt.Errorf("transaction %s: %w", t.ID, ErrUnbalanced)
		}
	}
	return nil
}

// Movement is one capture or refund to be booked.
type Movement struct {
	HospitalID string
	PaymentID  string
	Channel    payment.Channel
	// Number tells movements of a payment apart: for a capture the attempt and
	// the channel's number, for a refund its number.
	Number string
	Amount money.Money
	// Fee is what the channel charges for a capture, or gives back with a
	// refund; zero where it does neither.
	Fee money.Money
	At  time.Time
}

// NewCapture books captured money and the channel's fee for it.
func NewCapture(m Movement) (Transaction, error) { return m.book(Captured, 1) }

// NewRefund books money that the channel returned, and the part of its fee that
// it gave back.
func NewRefund(m Movement) (Transaction, error) { return m.book(Refunded, -1) }

// NewOfflineRefund books money that staff handed back on site. The channel has
// no part in it and gives no fee back.
func NewOfflineRefund(m Movement) (Transaction, error) {
	m.Fee = money.Money{}
	return m.book(RefundedOffline, -1)
}

func (m Movement) book(k Kind, sign int64) (Transaction, error) {
	t := Transaction{ID: strings.Join([]string{m.PaymentID, string(k), m.Number}, "/"),
		HospitalID: m.HospitalID, PaymentID: m.PaymentID, Kind: k, Channel: m.Channel, At: m.At}
	if !m.Amount.Valid() || !m.Amount.IsPositive() || m.Fee.IsNegative() {
		return Transaction{}, fmt.Errorf("transaction %s: %w", t.ID, ErrAmount)
	}
	if over, err := m.Fee.Cmp(m.Amount); err != nil || over > 0 {
		return Transaction{}, fmt.Errorf("transaction %s: its fee: %w", t.ID, ErrAmount)
	}
	asset := Receivable(m.Channel)
	if k == RefundedOffline {
		asset = CashOnSite
	}
	t.move(asset, Registrations, m.Amount, sign)
	if m.Fee.IsPositive() {
		t.move(FeeExpense(m.Channel), FeePayable(m.Channel), m.Fee, sign)
	}
	return t, t.Check()
}

// move debits one account and credits another, or the reverse for sign -1.
func (t *Transaction) move(debit, credit Account, amount money.Money, sign int64) {
	n, c := amount.Minor()*sign, amount.Currency()
	t.Postings = append(t.Postings,
		Posting{Account: debit, Amount: money.Minor(n, c)},
		Posting{Account: credit, Amount: money.Minor(-n, c)})
}
