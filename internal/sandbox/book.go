package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Errors of a Book. A counterparty translates them into its own words.
var (
	// ErrNotFound: no charge or refund under that key.
	ErrNotFound = errors.New("sandbox: not in the book")
	// ErrDiffers: the number is taken by an entry with other content.
	ErrDiffers = errors.New("sandbox: the same number with other content")
	// ErrState: the entry's state does not allow what was asked.
	ErrState = errors.New("sandbox: not allowed in this state")
	// ErrOverRefund: more would be refunded than was captured.
	ErrOverRefund = errors.New("sandbox: refund above the captured amount")
	// ErrAmount: an amount that is zero or negative.
	ErrAmount = errors.New("sandbox: the amount must be above zero")
)

// ChargeState is how far a charge has come.
type ChargeState string

// The states of a charge. Captured is the only one in which money has moved;
// a captured charge stays captured when it is refunded.
const (
	ChargeOpen     ChargeState = "open"
	ChargeClearing ChargeState = "clearing"
	ChargeCaptured ChargeState = "captured"
	ChargeClosed   ChargeState = "closed"
	ChargeFailed   ChargeState = "failed"
)

// RefundState is how far a refund has come.
type RefundState string

// The states of a refund. Failed gives the amount back to the charge; abnormal
// keeps it reserved, since the money has left and waits for someone to act.
const (
	RefundProcessing RefundState = "processing"
	RefundSuccess    RefundState = "success"
	RefundFailed     RefundState = "failed"
	RefundAbnormal   RefundState = "abnormal"
)

// Charge is one order as the counterparty sees it. Amounts are integer fen.
type Charge struct {
	// Key identifies the charge inside its book. The counterparty chooses it:
	// for example "h-renmin/out_trade_no", or with the transaction time where a
	// number may be used twice.
	Key string `json:"-"`

	Hospital    string      `json:"hospital"`
	MerchantNo  string      `json:"merchant_no"`
	ChannelNo   string      `json:"channel_no"`
	AmountFen   int64       `json:"amount_fen"`
	State       ChargeState `json:"state"`
	CapturedFen int64       `json:"captured_fen"`
	// RefundedFen counts successful refunds only.
	RefundedFen int64      `json:"refunded_fen"`
	CreatedAt   time.Time  `json:"created_at"`
	CapturedAt  *time.Time `json:"captured_at,omitempty"`
	// Split is the insurance's division of the captured amount, else nil.
	*Split
}

// Split divides a charge of the insurance, in fen: own + account + fund is the
// whole.
type Split struct {
	OwnFen     int64 `json:"own_fen"`
	AccountFen int64 `json:"account_fen"`
	FundFen    int64 `json:"fund_fen"`
}

// Refund is one refund of a charge. Amounts are integer fen.
type Refund struct {
	// Key identifies the refund inside its book, like a charge's.
	Key string `json:"-"`
	// ChargeKey is the charge that it gives back from.
	ChargeKey string `json:"-"`

	Hospital        string      `json:"hospital"`
	MerchantNo      string      `json:"merchant_no"`
	RefundNo        string      `json:"refund_no"`
	ChannelRefundNo string      `json:"channel_refund_no"`
	AmountFen       int64       `json:"amount_fen"`
	State           RefundState `json:"state"`
	CreatedAt       time.Time   `json:"created_at"`
}

// BookSnapshot is a book at one moment, entries in the order of their making.
type BookSnapshot struct {
	Charges []Charge `json:"charges"`
	Refunds []Refund `json:"refunds"`
}

// Book is a counterparty's own record of what it was asked and what it did. It
// keeps the rules that hold for every channel: one entry a number, money moves
// once, and never more goes back than came in. It is safe for concurrent use
// and returns copies.
type Book struct {
	mu          sync.Mutex
	charges     map[string]*Charge
	refunds     map[string]*Refund
	chargeOrder []string
	refundOrder []string
	byCharge    map[string][]string // refund keys of a charge, in order
}

// NewBook starts an empty book.
func NewBook() *Book {
	return &Book{charges: map[string]*Charge{}, refunds: map[string]*Refund{}, byCharge: map[string][]string{}}
}

// Open enters a new charge in state open (or c.State if it is set). Where the
// key is known already it returns the entry there and created=false, with
// ErrDiffers when its amount is another. ErrAmount for an amount of zero or less.
func (b *Book) Open(c Charge) (entry Charge, created bool, err error) {
	if c.AmountFen <= 0 {
		return Charge{}, false, ErrAmount
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if known, ok := b.charges[c.Key]; ok {
		if known.AmountFen != c.AmountFen {
			return known.copy(), false, fmt.Errorf("charge %s: %w", c.Key, ErrDiffers)
		}
		return known.copy(), false, nil
	}
	if c.State == "" {
		c.State = ChargeOpen
	}
	kept := c.copy()
	b.charges[c.Key] = &kept
	b.chargeOrder = append(b.chargeOrder, c.Key)
	return kept.copy(), true, nil
}

// Charge looks a charge up.
func (b *Book) Charge(key string) (Charge, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.charges[key]
	if !ok {
		return Charge{}, false
	}
	return c.copy(), true
}

// Capture records that the whole amount was paid at the time at, under the
// counterparty's own number. split may be nil. ErrNotFound; ErrState unless the
// charge is open, clearing or failed (a failed attempt may be tried again).
// ErrDiffers when a split does not add up to the amount.
func (b *Book) Capture(key, channelNo string, at time.Time, split *Split) (Charge, error) {
	return b.change(key, func(c *Charge) error {
		switch c.State {
		case ChargeOpen, ChargeClearing, ChargeFailed:
		default:
			return fmt.Errorf("capturing a charge that is %s: %w", c.State, ErrState)
		}
		if split != nil {
			if split.OwnFen+split.AccountFen+split.FundFen != c.AmountFen {
				return fmt.Errorf("split of the charge: %w", ErrDiffers)
			}
			copied := *split
			c.Split = &copied
		}
		c.State, c.ChannelNo, c.CapturedFen, c.CapturedAt = ChargeCaptured, channelNo, c.AmountFen, &at
		return nil
	})
}

// Clearing marks an open charge as being cleared; see [Book.Capture] for errors.
func (b *Book) Clearing(key string) (Charge, error) {
	return b.move(key, ChargeClearing, ChargeOpen, ChargeFailed)
}

// Close ends a charge that was not captured. Closing twice is allowed.
func (b *Book) Close(key string) (Charge, error) {
	return b.move(key, ChargeClosed, ChargeOpen, ChargeClearing, ChargeFailed)
}

// Fail marks a charge as failed. Failing twice is allowed.
func (b *Book) Fail(key string) (Charge, error) {
	return b.move(key, ChargeFailed, ChargeOpen, ChargeClearing)
}

func (b *Book) move(key string, to ChargeState, from ...ChargeState) (Charge, error) {
	return b.change(key, func(c *Charge) error {
		if c.State != to && !slices.Contains(from, c.State) {
			return fmt.Errorf("charge from %s to %s: %w", c.State, to, ErrState)
		}
		c.State = to
		return nil
	})
}

// change applies f to a copy and keeps it only when f succeeds.
func (b *Book) change(key string, f func(*Charge) error) (Charge, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.charges[key]
	if !ok {
		return Charge{}, fmt.Errorf("charge %s: %w", key, ErrNotFound)
	}
	changed := c.copy()
	if err := f(&changed); err != nil {
		return c.copy(), err
	}
	*c = changed
	return changed.copy(), nil
}

// Snapshot is the whole book now; its slices are never nil.
func (b *Book) Snapshot() BookSnapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := BookSnapshot{Charges: make([]Charge, 0, len(b.chargeOrder)), Refunds: make([]Refund, 0, len(b.refundOrder))}
	for _, key := range b.chargeOrder {
		s.Charges = append(s.Charges, b.charges[key].copy())
	}
	for _, key := range b.refundOrder {
		s.Refunds = append(s.Refunds, *b.refunds[key])
	}
	return s
}

func (c Charge) copy() Charge {
	if c.CapturedAt != nil {
		at := *c.CapturedAt
		c.CapturedAt = &at
	}
	if c.Split != nil {
		split := *c.Split
		c.Split = &split
	}
	return c
}
