package unionpay

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Fixed values of the interface.
const (
	version       = "5.1.0"
	signMethodRSA = "01"

	typeQuery  = "00"
	typePay    = "01"
	typeRefund = "04"
	typeRevoke = "31"

	bizGateway = "000201"
	bizAny     = "000000" // taken for everything but payments
	currency   = "156"    // CNY
	viaBrowser = "07"
	viaMobile  = "08"
)

// maxAmount bounds one transaction: a million yuan, in fen.
const maxAmount = 100_000_000

// authenticate tells who sent the form. It checks, in this order, what every
// message must have, the version, the merchant and the signature, and answers
// like the real one about the first thing that is wrong.
func (s *Server) authenticate(form Form) (*merchant, *refusal) {
	for _, name := range []string{"version", "encoding", "signMethod", "txnType", "txnSubType", "bizType", "accessType",
		"merId", "certId", fieldSignature} {
		if form[name] == "" {
			return nil, refuse(codeMissing, name)
		}
	}
	switch {
	case form["version"] != version:
		return nil, refuse(codeBadFormat, "version")
	case !strings.EqualFold(form["encoding"], "UTF-8"):
		return nil, refuse(codeBadFormat, "encoding")
	case form["signMethod"] != signMethodRSA:
		return nil, refuse(codeBadFormat, "signMethod")
	}
	s.mu.Lock()
	m := s.merchants[form["merId"]]
	s.mu.Unlock()
	if m == nil {
		return nil, refuse(codeMerchant, "merId")
	}
	if form["certId"] != m.cert.SerialNumber.String() {
		return nil, refuse(codeBadSignature, "certId")
	}
	if verify(form, m.cert) != nil {
		return nil, refuse(codeBadSignature, "")
	}
	if form["accessType"] != "0" {
		return nil, refuse(codeNotPermitted, "accessType")
	}
	return m, nil
}

// checkTransaction checks what payments, refunds and revokes have in common
// and reads the amount, in fen.
func checkTransaction(form Form, now time.Time) (amount int64, _ *refusal) {
	for _, name := range []string{"orderId", "txnTime", "txnAmt", "channelType", "currencyCode", "backUrl"} {
		if form[name] == "" && (name != "currencyCode" || form["txnType"] == typePay) {
			return 0, refuse(codeMissing, name)
		}
	}
	if biz := form["bizType"]; biz != bizGateway && (biz != bizAny || form["txnType"] == typePay) {
		return 0, refuse(codeNotPermitted, "bizType")
	}
	if c := form["currencyCode"]; c != "" && c != currency {
		return 0, refuse(codeNotPermitted, "currencyCode")
	}
	if form["channelType"] != viaBrowser && form["channelType"] != viaMobile {
		return 0, refuse(codeBadFormat, "channelType")
	}
	if !isURL(form["backUrl"]) {
		return 0, refuse(codeBadFormat, "backUrl")
	}
	if refused := checkOrder(form); refused != nil {
		return 0, refused
	}
	at, _ := parseTime(form["txnTime"])
	if at.Before(now.Add(-oldest)) || at.After(now.Add(newest)) {
		return 0, refuse(codeBadFormat, "txnTime is not of now")
	}
	text := form["txnAmt"]
	if len(text) > 12 || !isDigits(text) || text[0] == '0' {
		return 0, refuse(codeBadFormat, "txnAmt")
	}
	amount, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, refuse(codeBadFormat, "txnAmt")
	}
	if amount > maxAmount {
		return 0, refuse(codeLimit, "txnAmt")
	}
	return amount, nil
}

// checkOrder checks the two fields that name a transaction.
func checkOrder(form Form) *refusal {
	if n := len(form["orderId"]); n < 8 || n > 40 || !isAlnum(form["orderId"]) {
		return refuse(codeBadFormat, "orderId")
	}
	if _, ok := parseTime(form["txnTime"]); !ok {
		return refuse(codeBadFormat, "txnTime")
	}
	return nil
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= 256 && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func keyOf(form Form) orderKey {
	return orderKey{merID: form["merId"], orderID: form["orderId"], txnTime: form["txnTime"]}
}
