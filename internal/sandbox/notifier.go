package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// Notification is one message that a counterparty owes a merchant.
type Notification struct {
	// Counterparty, Kind and ID are for the log: "wechat", "TRANSACTION.SUCCESS"
	// and the notification's own id. No personal data.
	Counterparty, Kind, ID string
	// Build makes the request of one attempt, to the URL that the merchant gave,
	// anew each time, since a signature carries the time. A forged one looks
	// the same and must not verify.
	Build func(ctx context.Context, forged bool) (*http.Request, error)
	// Accepted says whether the merchant's answer acknowledges it; nil accepts
	// any 2xx.
	Accepted func(status int, body []byte) bool
	// Schedule is the wait before each repeat of an unacknowledged
	// notification; it is multiplied by the notifier's scale.
	Schedule []time.Duration
	// Timeout of one attempt; 0 means 5 s. It is not scaled.
	Timeout time.Duration
	// Faults disturbs the delivery; may be nil.
	Faults *Faults
}

// NotifierOptions say how a Notifier is made.
type NotifierOptions struct {
	Clock       Clock
	Background  *Background
	Scale       float64 // of the repeat schedules; 0 means 1
	AllowRemote bool
	Log         *slog.Logger
}

// Notifier delivers notifications in the background, each until it is
// acknowledged or its schedule has run out. It is safe for concurrent use.
type Notifier struct {
	clock      Clock
	background *Background
	scale      float64
	log        *slog.Logger
	client     *http.Client

	mu   sync.Mutex
	held map[string][]chan struct{} // by counterparty: those that wait for a later one
}

// reorderPatience ends the wait of a notification that is to be overtaken when
// no later one comes; scaled like a schedule.
const reorderPatience = 30 * time.Second

// ErrRemote is returned for a notification to an address that is not loopback.
var ErrRemote = errors.New("sandbox: notifications go to loopback addresses only")

// NewNotifier is the only way to make one.
func NewNotifier(o NotifierOptions) *Notifier {
	if o.Scale <= 0 {
		o.Scale = 1
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if !o.AllowRemote {
		// Checked on the resolved address, so that a name cannot lead outside.
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			addr, err := netip.ParseAddrPort(address)
			if err != nil || !addr.Addr().Unmap().IsLoopback() {
				return ErrRemote
			}
			return nil
		}
	}
	return &Notifier{
		clock: o.Clock, background: o.Background, scale: o.Scale, log: o.Log,
		client: &http.Client{
			Transport: &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second},
			// A counterparty does not follow a merchant's redirects.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		held: map[string][]chan struct{}{},
	}
}

// Send delivers n in the background and returns at once.
func (n *Notifier) Send(note Notification) {
	if note.Timeout <= 0 {
		note.Timeout = 5 * time.Second
	}
	plan := NotificationPlan{Copies: 1}
	if note.Faults != nil {
		plan = note.Faults.PlanNotification()
	}
	var overtaken chan struct{}
	if plan.Reorder {
		overtaken = n.hold(note.Counterparty)
	}
	n.background.Go(func(ctx context.Context) { n.deliver(ctx, note, plan, overtaken) })
}

func (n *Notifier) deliver(ctx context.Context, note Notification, plan NotificationPlan, overtaken chan struct{}) {
	if n.clock.Sleep(ctx, plan.Delay) != nil {
		return
	}
	if plan.Forged {
		if accepted, err := n.attempt(ctx, note, true); err == nil && accepted {
			n.log.Warn("a forged notification was acknowledged", "counterparty", note.Counterparty, "kind", note.Kind, "id", note.ID)
		}
	}
	if plan.Missing {
		return
	}
	if overtaken != nil {
		n.waitOvertaken(ctx, overtaken)
	}
	for i := range plan.Copies {
		acknowledged := n.deliverOnce(ctx, note)
		if i == 0 && overtaken == nil {
			n.release(note.Counterparty)
		}
		if !acknowledged || ctx.Err() != nil {
			return
		}
	}
}

// deliverOnce tries until the notification is acknowledged or its schedule ends.
func (n *Notifier) deliverOnce(ctx context.Context, note Notification) bool {
	for i := 0; ; i++ {
		accepted, err := n.attempt(ctx, note, false)
		if ctx.Err() != nil {
			return false
		}
		if accepted {
			n.log.Debug("notification acknowledged", "counterparty", note.Counterparty, "kind", note.Kind, "id", note.ID, "attempt", i+1)
			return true
		}
		n.log.Info("notification not acknowledged", "counterparty", note.Counterparty, "kind", note.Kind, "id", note.ID, "attempt", i+1, "err", err)
		if i >= len(note.Schedule) {
			return false
		}
		if i == 0 {
			// Others must not wait for a merchant that is down.
			n.release(note.Counterparty)
		}
		if n.clock.Sleep(ctx, time.Duration(float64(note.Schedule[i])*n.scale)) != nil {
			return false
		}
	}
}

func (n *Notifier) attempt(ctx context.Context, note Notification, forged bool) (accepted bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, note.Timeout)
	defer cancel()
	request, err := note.Build(ctx, forged)
	if err != nil {
		return false, fmt.Errorf("building a notification: %w", err)
	}
	response, err := n.client.Do(request)
	if err != nil {
		return false, fmt.Errorf("sending a notification: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return false, fmt.Errorf("reading the answer to a notification: %w", err)
	}
	if note.Accepted != nil {
		return note.Accepted(response.StatusCode, body), nil
	}
	return response.StatusCode >= 200 && response.StatusCode < 300, nil
}

func (n *Notifier) hold(counterparty string) chan struct{} {
	overtaken := make(chan struct{})
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held[counterparty] = append(n.held[counterparty], overtaken)
	return overtaken
}

// release lets those go that were to be overtaken: a later one has been sent.
func (n *Notifier) release(counterparty string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, overtaken := range n.held[counterparty] {
		close(overtaken)
	}
	delete(n.held, counterparty)
}

func (n *Notifier) waitOvertaken(ctx context.Context, overtaken chan struct{}) {
	patience, cancel := context.WithCancel(ctx)
	defer cancel()
	gaveUp := make(chan struct{})
	go func() {
		defer close(gaveUp)
		n.clock.Sleep(patience, time.Duration(float64(reorderPatience)*n.scale)) //nolint:errcheck // its end is all that matters
	}()
	select {
	case <-overtaken:
		cancel()
		<-gaveUp
	case <-gaveUp:
	}
}

func (n *Notifier) closeIdle() { n.client.CloseIdleConnections() }
