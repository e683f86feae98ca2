package unionpay

import (
	"fmt"
	"time"

	"github.com/regpay/regpay/internal/sandbox"
)

// transaction is one payment, refund or revoke. All fields but the state are
// fixed at its making; the state is guarded by Server.mu.
type transaction struct {
	merchant *merchant
	request  Form // as first received
	key      orderKey
	bookKey  string
	amount   int64     // fen
	expires  time.Time // payTimeout; zero when there is none
	token    string    // of the cashier page, or the app's tn
	original *transaction

	// origRespCode says what became of it: 05 while nobody has paid, then 00,
	// 64 or 69.
	outcome  string
	queryID  string
	traceNo  string
	at       time.Time // when it was carried out
	revoked  bool
	captures int // of an order: how often it was paid
}

func (t *transaction) pending() bool { return t.outcome == codeAccepted }

// enter adds a transaction; s.mu is held. A number already used on that
// trading day is a duplicate.
func (s *Server) enter(t *transaction) *refusal {
	if _, taken := s.daily[t.key.daily()]; taken {
		return refuse(codeDuplicate, "")
	}
	s.daily[t.key.daily()] = struct{}{}
	s.orders[t.key] = t
	return nil
}

// find looks a transaction up by its number, the queryId, or by its three names;
// s.mu is held.
func (s *Server) find(form Form) *transaction {
	if !byNumber(form) {
		return s.orders[keyOf(form)]
	}
	if t := s.byQuery[form["queryId"]]; t != nil && t.key.merID == form["merId"] {
		return t
	}
	return nil
}

// expire ends an order that nobody paid in time; s.mu is held.
func (s *Server) expire(t *transaction, now time.Time) {
	if !t.pending() || t.expires.IsZero() || now.Before(t.expires) {
		return
	}
	t.outcome = codeInputTimeout
	if _, err := s.book.Close(t.bookKey); err != nil {
		s.env.Log.Error("closing an order in the book", "order", t.bookKey, "err", err)
	}
}

// carryOut gives a transaction its numbers; s.mu is held.
func (s *Server) carryOut(t *transaction, now time.Time) {
	t.outcome, t.at = codeOK, now
	t.queryID, t.traceNo = s.next(now)
	s.byQuery[t.queryID] = t
}

// result lists what is told of a transaction, in a query and in a notification.
func (t *transaction) result() Form {
	out := t.request.echo("txnType", "txnSubType", "bizType", "accessType", "merId", "orderId", "txnTime", "txnAmt",
		"currencyCode", "reqReserved", "origQryId", "channelType")
	out["version"], out["encoding"], out["signMethod"] = version, "UTF-8", signMethodRSA
	if t.outcome != codeOK {
		return out
	}
	day := clearingDay(t.at)
	out["queryId"] = t.queryID
	out["traceNo"] = t.traceNo
	out["traceTime"] = t.at.In(shanghai()).Format("0102150405")
	out["settleAmt"] = t.request["txnAmt"]
	out["settleCurrencyCode"] = currency
	out["settleDate"] = day.Format("0102")
	return out
}

// openOrder enters a payment that waits for a patient, or finds the same one
// again. The second result is false when it was there already.
func (s *Server) openOrder(m *merchant, form Form, now time.Time) (*transaction, bool, *refusal) {
	amount, refused := checkTransaction(form, now)
	if refused != nil {
		return nil, false, refused
	}
	if form["txnSubType"] != "01" {
		return nil, false, refuse(codeNotPermitted, "txnSubType")
	}
	var expires time.Time
	if text := form["payTimeout"]; text != "" {
		var ok bool
		if expires, ok = parseTime(text); !ok {
			return nil, false, refuse(codeBadFormat, "payTimeout")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := keyOf(form)
	if known := s.orders[key]; known != nil {
		s.expire(known, now)
		switch {
		case !sameRequest(known.request, form):
			return nil, false, refuse(codeDuplicate, "")
		case known.outcome == codeInputTimeout:
			return nil, false, refuse(codeOutOfTime, "payTimeout")
		case !known.pending():
			return nil, false, refuse(codeDuplicate, "")
		}
		return known, false, nil
	}
	if !expires.IsZero() && !now.Before(expires) {
		return nil, false, refuse(codeOutOfTime, "payTimeout")
	}
	token, err := newToken(now)
	if err != nil {
		return nil, false, refuse(codeBusy, "")
	}
	t := &transaction{merchant: m, request: form, key: key, bookKey: key.String(), amount: amount, expires: expires,
		token: token, outcome: codeAccepted}
	if refused := s.enter(t); refused != nil {
		return nil, false, refused
	}
	s.byToken[token] = t
	if _, _, err := s.book.Open(sandbox.Charge{Key: t.bookKey, Hospital: m.hospital, MerchantNo: key.orderID,
		AmountFen: amount, CreatedAt: now}); err != nil {
		s.env.Log.Error("opening an order in the book", "order", t.bookKey, "err", err)
		return nil, false, refuse(codeFailed, "")
	}
	return t, true, nil
}

// order is what a patient is given.
func (t *transaction) order() sandbox.Order {
	return sandbox.Order{Channel: Name, Hospital: t.merchant.hospital, MerchantNo: t.key.orderID, Token: t.token}
}

// capture takes the patient's money once; s.mu is held. The second payment of
// an order is a transaction of its own under the same names.
func (s *Server) capture(t *transaction, now time.Time) (*transaction, error) {
	paid := t
	t.captures++
	if t.captures > 1 {
		paid = &transaction{merchant: t.merchant, request: t.request, key: t.key, amount: t.amount,
			bookKey: fmt.Sprintf("%s#%d", t.key, t.captures)}
		if _, _, err := s.book.Open(sandbox.Charge{Key: paid.bookKey, Hospital: t.merchant.hospital,
			MerchantNo: t.key.orderID, AmountFen: t.amount, CreatedAt: now}); err != nil {
			return nil, fmt.Errorf("paying again: %w", err)
		}
	}
	s.carryOut(paid, now)
	if _, err := s.book.Capture(paid.bookKey, paid.queryID, now, nil); err != nil {
		return nil, fmt.Errorf("paying: %w", err)
	}
	return paid, nil
}
