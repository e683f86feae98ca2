package console

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/regpay/regpay/internal/inbound"
)

// engineWait is how long a workflow's answer is waited for: less than a request
// has, so that there is time left to show where things stand without it.
const engineWait = 10 * time.Second

// asking is the context of a call to the engine.
func (p *page) asking() (context.Context, context.CancelFunc) {
	return context.WithTimeout(p.ctx(), engineWait)
}

// unanswered logs a call of which it is not known whether it was done, while the
// page says so in its own words.
func (s *server) unanswered(p *page, err error) {
	if !errors.Is(err, context.Canceled) {
		s.log.Warn("the engine gave no answer", zap.String("request_id", inbound.RequestID(p.ctx())), zap.Error(err))
	}
}
