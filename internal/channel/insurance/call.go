package insurance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/regpay/regpay/internal/outbound"
	"github.com/regpay/regpay/internal/payment"
)

// The platform's routes, below the path prefix.
const (
	pathUpload = "/uldFeeInfo"       // 6201
	pathPay    = "/pay_order"        // 6202
	pathRefund = "/refund_Order"     // 6203
	pathQuery  = "/query_order_info" // 6301
	pathRevoke = "/revoke_order"     // 6401
)

func failure(op string, kind payment.Kind, code string, err error) *payment.Failure {
	return &payment.Failure{Kind: kind, System: string(payment.Insurance), Op: op, Code: code, Err: err}
}

// errRefused marks a failure whose reply said no, signed or not.
var errRefused = errors.New("refused")

// call sends data and returns the verified data of the reply. Its errors are
// Failures: Final for a signed refusal, Retryable when nothing was sent or the
// platform is busy, Uncertain otherwise, also for a refusal nobody signed.
func (c *Client) call(ctx context.Context, op, path string, data object) (object, error) {
	if err := ctx.Err(); err != nil {
		return nil, failure(op, payment.Retryable, "not_sent", err)
	}
	body, err := c.seal(data)
	if err != nil {
		return nil, failure(op, payment.Final, "seal", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, failure(op, payment.Final, "request", err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	status, reply, err := c.post(op, req)
	if err != nil {
		return nil, err
	}
	return c.read(op, status, reply)
}

func (c *Client) post(op string, req *http.Request) (int, []byte, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, outbound.Unanswered(string(payment.Insurance), op, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusTooManyRequests {
		return 0, nil, failure(op, payment.Retryable, "http_429", nil)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxMessage+1))
	if err != nil {
		return 0, nil, failure(op, payment.Uncertain, "read", err)
	}
	return resp.StatusCode, body, nil
}

func (c *Client) read(op string, status int, body []byte) (object, error) {
	o, claimed, err := c.open(body)
	switch {
	case errors.Is(err, errUnsigned) && claimed != "" && claimed != "0":
		return nil, failure(op, payment.Uncertain, safeCode(claimed), errors.Join(errRefused, errUnsigned))
	case err != nil && status != http.StatusOK:
		return nil, failure(op, payment.Uncertain, fmt.Sprintf("http_%d", status), nil)
	case err != nil:
		return nil, failure(op, payment.Uncertain, "bad_reply", err)
	case o.appID != "" && o.appID != c.cfg.AppID:
		return nil, failure(op, payment.Uncertain, "mismatch", errors.New("the reply is to another app"))
	case o.code != "0" && slices.Contains(c.cfg.BusyCodes, o.code):
		return nil, failure(op, payment.Retryable, safeCode(o.code), errRefused)
	case o.code != "0" || o.refused:
		return nil, failure(op, payment.Final, safeCode(o.code), errRefused)
	}
	if o.data == nil {
		o.data = object{}
	}
	return o.data, nil
}

// stillInDoubt is the failure of a step of which an earlier try may have been
// carried out: a refusal of what was only to find that out says nothing of it.
func stillInDoubt(op string, err error) error {
	if payment.KindOf(err) == payment.Retryable {
		return err
	}
	return failure(op, payment.Uncertain, payment.CodeOf(err), err)
}
