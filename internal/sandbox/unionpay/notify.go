package unionpay

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/sandbox"
)

// noNotice is the backUrl by which merchants say that they want no
// notification; the official SDK's examples use it.
const noNotice = "http://www.specialUrl.com"

// notify tells the merchant's backUrl of a transaction that was carried out.
// A forged one is signed under a chain of its own or with a broken signature,
// by turns.
func (s *Server) notify(t *transaction) {
	if t.request["backUrl"] == noNotice {
		return
	}
	s.mu.Lock()
	note := t.result()
	note["respCode"], note["respMsg"] = codeOK, message(codeOK)
	signer := s.chain.signer
	s.mu.Unlock()
	kind := map[string]string{typePay: "payment", typeRefund: "refund", typeRevoke: "revoke"}[t.request["txnType"]]
	s.env.Notifier.Send(sandbox.Notification{
		Counterparty: Name,
		Kind:         kind,
		ID:           t.queryID,
		Build: func(ctx context.Context, forged bool) (*http.Request, error) {
			return s.buildNotice(ctx, t.request["backUrl"], note, signer, forged)
		},
		Accepted: func(status int, _ []byte) bool { return status == http.StatusOK },
		Schedule: []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 5 * time.Minute},
		Timeout:  10 * time.Second,
		Faults:   s.faults,
	})
}

func (s *Server) buildNotice(ctx context.Context, backURL string, note Form, signer identity, forged bool) (*http.Request, error) {
	form := maps.Clone(note)
	broken := false
	if forged {
		s.mu.Lock()
		s.forged++
		broken = s.forged%2 == 0
		s.mu.Unlock()
		if !broken {
			var err error
			if signer, err = s.forger(); err != nil {
				return nil, fmt.Errorf("making a forger's key: %w", err)
			}
		}
	}
	if err := sign(form, signer.key, signer.pem); err != nil {
		return nil, err
	}
	if broken {
		// Signed for another amount: the certificate is right, the signature is
		// well formed, and the two do not belong to this text.
		form["txnAmt"], form["settleAmt"] = form["txnAmt"]+"0", form["settleAmt"]+"0"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, backURL, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")
	return request, nil
}
