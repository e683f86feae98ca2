package unionpay

import (
	"errors"
	"net/http"
	"time"

	"github.com/regpay/regpay/internal/sandbox"
)

// serveBack answers the transactions that a merchant's server sends: refunds,
// revokes, and orders for the app.
func (s *Server) serveBack(w http.ResponseWriter, r *http.Request) {
	form, refused := readForm(r)
	var fields Form
	if refused == nil {
		fields, refused = s.back(form)
	}
	if refused != nil {
		fields = Form{"respCode": refused.code, "respMsg": refused.text()}
	}
	s.reply(w, form, fields)
}

func (s *Server) back(form Form) (Form, *refusal) {
	m, refused := s.authenticate(form)
	if refused != nil {
		return nil, refused
	}
	now := s.env.Clock.Now()
	switch form["txnType"] {
	case typePay:
		if form["channelType"] != viaMobile {
			// A browser's payment comes by frontTransReq.do.
			return nil, refuse(codeNotPermitted, "channelType")
		}
		t, created, refused := s.openOrder(m, form, now)
		if refused != nil {
			return nil, refused
		}
		if created {
			s.env.Patients.Opened(t.order())
		}
		return Form{"respCode": codeOK, "respMsg": message(codeOK), "tn": t.token}, nil
	case typeRefund, typeRevoke:
		t, refused := s.giveBack(m, form, now)
		if refused != nil {
			return nil, refused
		}
		s.notify(t)
		return Form{"respCode": codeOK, "respMsg": message(codeOK), "queryId": t.queryID}, nil
	}
	return nil, refuse(codeNotPermitted, "txnType")
}

// giveBack carries out a refund or a revoke of a payment.
func (s *Server) giveBack(m *merchant, form Form, now time.Time) (*transaction, *refusal) {
	amount, refused := checkTransaction(form, now)
	if refused != nil {
		return nil, refused
	}
	if form["txnSubType"] != "00" {
		return nil, refuse(codeNotPermitted, "txnSubType")
	}
	if form["origQryId"] == "" {
		return nil, refuse(codeMissing, "origQryId")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := keyOf(form)
	if _, taken := s.daily[key.daily()]; taken {
		return nil, refuse(codeDuplicate, "")
	}
	original := s.byQuery[form["origQryId"]]
	if original == nil || original.merchant != m || original.original != nil {
		return nil, refuse(codeOriginal, "origQryId")
	}
	if refused := s.allowed(form["txnType"], original, amount, now); refused != nil {
		return nil, refused
	}
	t := &transaction{merchant: m, request: form, key: key, bookKey: key.String(), amount: amount, original: original}
	queryID, traceNo := s.next(now)
	_, _, err := s.book.Refund(sandbox.Refund{Key: t.bookKey, ChargeKey: original.bookKey, RefundNo: key.orderID,
		ChannelRefundNo: queryID, AmountFen: amount, State: sandbox.RefundSuccess, CreatedAt: now})
	switch {
	case errors.Is(err, sandbox.ErrOverRefund):
		return nil, refuse(codeMismatch, "txnAmt")
	case err != nil:
		s.env.Log.Error("giving back", "order", t.bookKey, "err", err)
		return nil, refuse(codeFailed, "")
	}
	if refused := s.enter(t); refused != nil {
		return nil, refused
	}
	t.outcome, t.at, t.queryID, t.traceNo = codeOK, now, queryID, traceNo
	s.byQuery[queryID] = t
	if form["txnType"] == typeRevoke {
		original.revoked = true
	}
	return t, nil
}

// allowed holds the rules of time and state; s.mu is held. How much is left is
// the book's to say.
func (s *Server) allowed(txnType string, original *transaction, amount int64, now time.Time) *refusal {
	if original.revoked {
		return refuse(codeReversed, "")
	}
	if txnType == typeRefund {
		if now.After(original.at.Add(refundWindow)) {
			return refuse(codeOutOfTime, "refund window")
		}
		return nil
	}
	switch {
	case len(s.book.RefundsOf(original.bookKey)) > 0:
		return refuse(codeReversed, "")
	case amount != original.amount:
		return refuse(codeMismatch, "txnAmt")
	case !clearingDay(now).Equal(clearingDay(original.at)):
		return refuse(codeOutOfTime, "clearing day")
	}
	return nil
}
