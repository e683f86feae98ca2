package unionpay

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/regpay/regpay/internal/outbound"
	"github.com/regpay/regpay/internal/payment"
)

// The gateway's calls. The one for the app's control has an address of its
// own, as UnionPay's own development kit has it.
const (
	pathFront = "/frontTransReq.do"
	pathApp   = "/appTransReq.do"
	pathBack  = "/backTransReq.do"
	pathQuery = "/queryTrans.do"
)

// base has the fields that every request carries.
func (c *Client) base(txnType, txnSubType string) fields {
	return fields{
		"version":     "5.1.0",
		"encoding":    "UTF-8",
		"signMethod":  "01",
		"txnType":     txnType,
		"txnSubType":  txnSubType,
		"bizType":     "000201",
		"channelType": c.cfg.ChannelType,
		"accessType":  "0", // the merchant itself, not through an acquirer
		"merId":       c.cfg.MerID,
		"certId":      c.certID,
	}
}

func failure(op string, kind payment.Kind, code string, err error) *payment.Failure {
	return &payment.Failure{Kind: kind, System: string(payment.UnionPay), Op: op, Code: code, Err: err}
}

// call signs f, posts it, and returns the verified reply. Its errors are
// Failures: Retryable when nothing was sent or the gateway turned the caller
// away, Uncertain otherwise.
func (c *Client) call(ctx context.Context, op, path string, f fields) (fields, error) {
	if err := ctx.Err(); err != nil {
		return nil, failure(op, payment.Retryable, "not_sent", err)
	}
	if err := sign(f, c.key); err != nil {
		return nil, failure(op, payment.Final, "sign", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.gateway+path, strings.NewReader(f.encode()))
	if err != nil {
		return nil, failure(op, payment.Final, "request", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	body, err := c.post(op, req)
	if err != nil {
		return nil, err
	}
	reply, err := parseReply(body)
	if err != nil {
		return nil, failure(op, payment.Uncertain, "bad_reply", err)
	}
	if err := c.verify(reply); err != nil {
		return nil, failure(op, payment.Uncertain, "bad_signature", err)
	}
	// A signed reply to something else, kept by somebody and played back, must
	// not answer this request. A refusal of a malformed request may echo less.
	for _, k := range []string{"merId", "orderId", "txnTime", "queryId"} {
		if f[k] != "" && reply[k] != f[k] && (reply[k] != "" || reply["respCode"] == ok) {
			return nil, failure(op, payment.Uncertain, "mismatch", fmt.Errorf("the reply is to another %s", k))
		}
	}
	return reply, nil
}

func (c *Client) post(op string, req *http.Request) (string, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return "", outbound.Unanswered(string(payment.UnionPay), op, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return "", failure(op, payment.Retryable, "http_429", nil)
	case err != nil:
		return "", failure(op, payment.Uncertain, "read", err)
	case resp.StatusCode != http.StatusOK:
		return "", failure(op, payment.Uncertain, fmt.Sprintf("http_%d", resp.StatusCode), nil)
	}
	return string(body), nil
}

var subCode = regexp.MustCompile(`\[([0-9A-Z]{7})\]`)

// refused is the failure for a verified reply that refused. Of respMsg only
// the seven-character code is kept: the text is the bank's and could name
// somebody.
func refused(op string, kind payment.Kind, reply fields) *payment.Failure {
	f := failure(op, kind, reply["respCode"], nil)
	if m := subCode.FindStringSubmatch(reply["respMsg"]); m != nil {
		f.Message = m[1]
	}
	return f
}

// stillInDoubt is the failure of a step of which an earlier try may have been
// carried out, and whose query did not work: even a final refusal of the query
// says nothing about the step.
func stillInDoubt(op string, err error) error {
	return failure(op, payment.Uncertain, payment.CodeOf(err), err)
}
