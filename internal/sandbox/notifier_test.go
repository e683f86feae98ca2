package sandbox_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/sandbox"
)

// merchantEnd records what a merchant is told and answers as it is told to.
type merchantEnd struct {
	mu     sync.Mutex
	got    []string
	status func(n int) int // for the n-th delivery, from 1
	url    string
}

func newMerchantEnd(t *testing.T, status func(n int) int) *merchantEnd {
	t.Helper()
	m := &merchantEnd{status: status}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.got = append(m.got, r.Header.Get("X-Note"))
		w.WriteHeader(m.status(len(m.got)))
	}))
	t.Cleanup(server.Close)
	m.url = server.URL
	return m
}

func (m *merchantEnd) notes() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.got...)
}

func always(status int) func(int) int { return func(int) int { return status } }

func notifierWorld(t *testing.T) (*sandbox.Env, *sandbox.ManualClock) {
	t.Helper()
	clock := sandbox.NewManualClock(noon)
	env, err := sandbox.NewEnv(sandbox.EnvOptions{Dir: t.TempDir(), Clock: clock, NotifyScale: 0.1})
	require.NoError(t, err)
	t.Cleanup(env.Close)
	return env, clock
}

func note(url, name string, f *sandbox.Faults) sandbox.Notification {
	return sandbox.Notification{
		Counterparty: "wechat", Kind: "TEST", ID: name, Faults: f, Schedule: []time.Duration{10 * time.Second, 20 * time.Second},
		Build: func(ctx context.Context, forged bool) (*http.Request, error) {
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
			if err != nil {
				return nil, err
			}
			if forged {
				name = "forged " + strings.TrimPrefix(name, "forged ")
			}
			r.Header.Set("X-Note", name)
			name = strings.TrimPrefix(name, "forged ")
			return r, nil
		},
	}
}

func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, 10*time.Second, time.Millisecond)
}

func TestRepeatsFollowTheScaledScheduleUntilAcknowledged(t *testing.T) {
	env, clock := notifierWorld(t)
	m := newMerchantEnd(t, func(n int) int {
		if n == 3 {
			return http.StatusOK
		}
		return http.StatusInternalServerError
	})
	env.Notifier.Send(note(m.url, "a", nil))
	eventually(t, func() bool { return len(m.notes()) == 1 && clock.Sleepers() == 1 })
	clock.Advance(999 * time.Millisecond)
	require.Equal(t, 1, clock.Sleepers(), "the first repeat is due after 10 s × 0.1")
	clock.Advance(time.Millisecond)
	eventually(t, func() bool { return len(m.notes()) == 2 && clock.Sleepers() == 1 })
	clock.Advance(2 * time.Second)
	eventually(t, func() bool { return len(m.notes()) == 3 })
	env.Background.Close()
	require.Len(t, m.notes(), 3, "acknowledged: no further repeat")
}

func TestTheScheduleEnds(t *testing.T) {
	env, clock := notifierWorld(t)
	m := newMerchantEnd(t, always(http.StatusInternalServerError))
	env.Notifier.Send(note(m.url, "a", nil))
	for n := 1; n <= 2; n++ {
		eventually(t, func() bool { return len(m.notes()) == n && clock.Sleepers() == 1 })
		clock.Advance(time.Hour)
	}
	eventually(t, func() bool { return len(m.notes()) == 3 })
	env.Background.Close()
	require.Len(t, m.notes(), 3)
}

func TestNotificationFaults(t *testing.T) {
	for name, c := range map[string]struct {
		fault  sandbox.NotificationFault
		want   []string
		counts map[string]int64
	}{
		"repeat delivers an acknowledged one again": {sandbox.NotificationFault{Repeat: 3}, []string{"a", "a", "a"},
			map[string]int64{"notification_repeat": 1}},
		"missing is never delivered": {sandbox.NotificationFault{MissingRate: 1}, nil, map[string]int64{"notification_missing": 1}},
		"forged comes before the genuine one": {sandbox.NotificationFault{ForgedRate: 1}, []string{"forged a", "a"},
			map[string]int64{"notification_forged": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			env, _ := notifierWorld(t)
			m := newMerchantEnd(t, always(http.StatusOK))
			f := env.NewFaults("wechat")
			require.NoError(t, f.Set(sandbox.FaultSpec{Notification: c.fault}))
			env.Notifier.Send(note(m.url, "a", f))
			f.Heal() // decided when it was sent
			env.Notifier.Send(note(m.url, "last", nil))
			eventually(t, func() bool { return len(m.notes()) == len(c.want)+1 })
			var got []string
			for _, n := range m.notes() {
				if n != "last" {
					got = append(got, n)
				}
			}
			require.Equal(t, c.want, got)
			require.Equal(t, c.counts, f.Status().Injected)
		})
	}
}

func TestDelayHoldsTheFirstDelivery(t *testing.T) {
	env, clock := notifierWorld(t)
	m := newMerchantEnd(t, always(http.StatusOK))
	f := env.NewFaults("wechat")
	require.NoError(t, f.Set(sandbox.FaultSpec{Notification: sandbox.NotificationFault{DelayMS: 5000}}))
	env.Notifier.Send(note(m.url, "a", f))
	eventually(t, func() bool { return clock.Sleepers() == 1 })
	require.Empty(t, m.notes())
	clock.Advance(5 * time.Second)
	eventually(t, func() bool { return len(m.notes()) == 1 })
}

func TestReorderedIsOvertakenByALaterOne(t *testing.T) {
	env, clock := notifierWorld(t)
	m := newMerchantEnd(t, always(http.StatusOK))
	f := env.NewFaults("wechat")
	require.NoError(t, f.Set(sandbox.FaultSpec{Notification: sandbox.NotificationFault{ReorderRate: 1}}))
	env.Notifier.Send(note(m.url, "first", f))
	f.Heal()
	env.Notifier.Send(note(m.url, "second", f))
	eventually(t, func() bool { return len(m.notes()) == 2 })
	require.Equal(t, []string{"second", "first"}, m.notes())

	// With nothing to overtake it, it goes out all the same.
	require.NoError(t, f.Set(sandbox.FaultSpec{Notification: sandbox.NotificationFault{ReorderRate: 1}}))
	env.Notifier.Send(note(m.url, "alone", f))
	eventually(t, func() bool { return clock.Sleepers() == 1 })
	clock.Advance(3 * time.Second)
	eventually(t, func() bool { return len(m.notes()) == 3 })
}

func TestNotificationsStayOnThisMachine(t *testing.T) {
	env, clock := notifierWorld(t)
	n := note("http://192.0.2.1:9/", "a", nil) // TEST-NET-1: nobody is there
	n.Timeout = 2 * time.Second
	started := time.Now()
	env.Notifier.Send(n)
	eventually(t, func() bool { return clock.Sleepers() == 1 }) // refused, waiting to repeat
	require.Less(t, time.Since(started), 2*time.Second, "refused before dialling, not timed out")
}

func TestAMerchantsRedirectIsNotFollowed(t *testing.T) {
	env, clock := notifierWorld(t)
	target := newMerchantEnd(t, always(http.StatusOK))
	redirect := httptest.NewServer(http.RedirectHandler(target.url, http.StatusTemporaryRedirect))
	t.Cleanup(redirect.Close)
	env.Notifier.Send(note(redirect.URL, "a", nil))
	eventually(t, func() bool { return clock.Sleepers() == 1 })
	require.Empty(t, target.notes())
}
