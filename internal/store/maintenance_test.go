package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func maintenance(system payment.System, from, until time.Duration) payment.Window {
	return payment.Window{HospitalID: hospital, System: system, From: noon.Add(from), Until: noon.Add(until), Note: "升级", AnnouncedBy: "api:k2"}
}

func (b *books) announce(t *testing.T, key string, w payment.Window) payment.Window {
	t.Helper()
	done, existed, err := b.AnnounceWindow(t.Context(), key, w, noon)
	require.NoError(t, err)
	require.False(t, existed)
	return done
}

func TestAWindowIsAnnouncedOnceAndAudited(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	w := maintenance("wechat", time.Hour, 2*time.Hour)
	done := b.announce(t, "k-1", w)
	require.Equal(t, payment.WindowID(hospital, "k-1"), done.ID)
	for _, at := range []time.Duration{0, 90 * time.Minute, 50 * time.Hour} {
		again, existed, err := b.AnnounceWindow(ctx, "k-1", w, noon.Add(at))
		require.NoError(t, err, "also when it has begun or is over")
		require.True(t, existed)
		require.Equal(t, done, again)
	}
	other := w
	other.Until = other.Until.Add(time.Minute)
	_, _, err := b.AnnounceWindow(ctx, "k-1", other, noon)
	require.True(t, payment.HasCode(err, payment.CodeWindowConflict), "%v", err)
	_, _, err = b.AnnounceWindow(ctx, "k-2", maintenance("wechat", -time.Hour, time.Hour), noon)
	require.True(t, payment.HasCode(err, payment.CodeWindow), "%v", err)
	_, _, err = b.AnnounceWindow(ctx, "no key", w, noon)
	require.True(t, payment.HasCode(err, payment.CodeWindow), "%v", err)
	read, err := b.Window(ctx, done.ID)
	require.NoError(t, err)
	require.Equal(t, done, read)
	_, err = b.Window(ctx, "mw_none")
	require.ErrorIs(t, err, store.ErrNotFound)
	subject := store.SubjectMaintenance(hospital)
	require.EqualValues(t, 1, one[int64](t, b, "SELECT count(*) FROM audit WHERE subject = $1", subject))
	require.NoError(t, b.VerifyAudit(ctx, subject))
}

func TestAWindowWithoutABeginningBeginsNow(t *testing.T) {
	b := newBooks(t)
	w := maintenance("his", 0, time.Hour)
	w.From = time.Time{}
	done := b.announce(t, "k-1", w)
	require.True(t, done.Active(noon))
	again, existed, err := b.AnnounceWindow(t.Context(), "k-1", w, noon.Add(time.Minute))
	require.NoError(t, err)
	require.True(t, existed)
	require.Equal(t, done.From, again.From)
}

func TestAWindowIsEndedEarlyOnceAndAudited(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	running := b.announce(t, "k-1", maintenance("wechat", 0, 2*time.Hour))
	coming := b.announce(t, "k-2", maintenance("wechat", time.Hour, 3*time.Hour))
	at := noon.Add(30 * time.Minute)
	ended, err := b.EndWindow(ctx, running.ID, "api:k9", at)
	require.NoError(t, err)
	require.Equal(t, "api:k9", ended.EndedBy)
	require.True(t, ended.EndedAt.Equal(at.Truncate(time.Microsecond)))
	again, err := b.EndWindow(ctx, running.ID, "api:k8", at.Add(time.Minute))
	require.NoError(t, err)
	require.Equal(t, ended, again)
	_, err = b.EndWindow(ctx, coming.ID, "api:k9", at)
	require.NoError(t, err)
	for _, after := range []time.Duration{31 * time.Minute, 90 * time.Minute} {
		open, err := b.ActiveWindows(ctx, hospital, noon.Add(after))
		require.NoError(t, err)
		require.Empty(t, open, after)
	}
	late := b.announce(t, "k-3", maintenance("his", 0, time.Hour))
	over, err := b.EndWindow(ctx, late.ID, "api:k9", noon.Add(2*time.Hour))
	require.NoError(t, err)
	require.Zero(t, over.EndedAt, "it was over by itself")
	_, err = b.EndWindow(ctx, "mw_none", "api:k9", at)
	require.ErrorIs(t, err, store.ErrNotFound)
	subject := store.SubjectMaintenance(hospital)
	require.EqualValues(t, 5, one[int64](t, b, "SELECT count(*) FROM audit WHERE subject = $1", subject), "three announced, two ended")
	require.NoError(t, b.VerifyAudit(ctx, subject))
}

func TestActiveWindowsAreThoseOfTheHospitalTheTimeAndTheSystems(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	wechat := b.announce(t, "k-1", maintenance("wechat", 0, 2*time.Hour))
	his := b.announce(t, "k-2", maintenance(payment.SystemHIS, time.Hour, 3*time.Hour))
	elsewhere := maintenance(payment.SystemHospital, 0, 3*time.Hour)
	elsewhere.HospitalID = "h-xiehe"
	b.announce(t, "k-1", elsewhere)
	for _, tc := range []struct {
		at      time.Duration
		systems []payment.System
		want    []string
	}{
		{0, nil, []string{wechat.ID}},
		{90 * time.Minute, nil, []string{wechat.ID, his.ID}},
		{90 * time.Minute, []payment.System{payment.SystemHIS, payment.SystemHospital}, []string{his.ID}},
		{90 * time.Minute, []payment.System{"insurance", payment.SystemHospital}, nil},
		{2 * time.Hour, nil, []string{his.ID}},
		{3 * time.Hour, nil, nil},
	} {
		open, err := b.ActiveWindows(ctx, hospital, noon.Add(tc.at), tc.systems...)
		require.NoError(t, err)
		var ids []string
		for _, w := range open {
			require.True(t, w.Active(noon.Add(tc.at)), "the domain says the same")
			ids = append(ids, w.ID)
		}
		require.Equal(t, tc.want, ids, "%s %v", tc.at, tc.systems)
	}
}

// Each payment asks three times, and there is none nearly always.
func TestThatThereIsNoMaintenanceIsReadOnceASecond(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	s, w := b.overWire(t)
	other := openStore(t, b.dsn, b.keys)
	open := func(at time.Time) int {
		all, err := s.ActiveWindows(ctx, hospital, at)
		require.NoError(t, err)
		return len(all)
	}
	// Of many looks there is one a second at most, however slow the machine is.
	began := time.Now()
	w.counted()
	for range 50 {
		require.Zero(t, open(noon))
	}
	require.LessOrEqual(t, w.counted(), 2+int(time.Since(began)/time.Second), "the statement is prepared by the first")
	// What this process announces, or ends, it knows at once.
	own := maintenance("wechat", 0, 2*time.Hour)
	done, _, err := s.AnnounceWindow(ctx, "k-1", own, noon)
	require.NoError(t, err)
	require.Zero(t, open(noon.Add(2*time.Hour)), "it is over then")
	require.Equal(t, 1, open(noon), "a look at an earlier time is not answered by a later one's")
	_, err = s.EndWindow(ctx, done.ID, "api:k9", noon.Add(time.Minute))
	require.NoError(t, err)
	require.Zero(t, open(noon.Add(time.Minute)))
	// What another one does, soon.
	_, _, err = other.AnnounceWindow(ctx, "k-2", own, noon.Add(time.Minute))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return open(noon.Add(time.Minute)) == 1 }, 10*time.Second, 50*time.Millisecond)
}

func TestWindowsAreListedByHospitalAndStateInPages(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	var ids []string // the latest first
	for i := range 5 {
		w := b.announce(t, fmt.Sprintf("k-%d", i), maintenance("wechat", time.Duration(2*i)*time.Hour, time.Duration(2*i+1)*time.Hour))
		ids = append([]string{w.ID}, ids...)
	}
	list := func(f store.WindowFilter) (got []string) {
		f.At = noon.Add(4*time.Hour + time.Minute)
		all, err := b.Windows(ctx, f)
		require.NoError(t, err)
		for _, w := range all {
			got = append(got, w.ID)
			if f.State != "" {
				require.Equal(t, f.State, w.State(f.At))
			}
		}
		return got
	}
	mine := []string{hospital}
	require.Equal(t, ids, list(store.WindowFilter{Hospitals: mine}))
	require.Equal(t, ids, list(store.WindowFilter{Hospitals: []string{store.AllHospitals}}))
	require.Empty(t, list(store.WindowFilter{}), "a forgotten scope shows nothing")
	require.Empty(t, list(store.WindowFilter{Hospitals: []string{"h-xiehe"}}))
	require.Equal(t, ids[:2], list(store.WindowFilter{Hospitals: mine, State: payment.WindowUpcoming}))
	require.Equal(t, ids[2:3], list(store.WindowFilter{Hospitals: mine, State: payment.WindowActive}))
	require.Equal(t, ids[3:], list(store.WindowFilter{Hospitals: mine, State: payment.WindowPast}))
	require.Equal(t, ids[:2], list(store.WindowFilter{Hospitals: mine, Limit: 2}))
	require.Equal(t, ids[2:4], list(store.WindowFilter{Hospitals: mine, Limit: 2, After: ids[1]}))
}

func TestTwoWhoAnnounceAtOnceMakeOneWindow(t *testing.T) {
	b := newBooks(t)
	var group sync.WaitGroup
	fresh := make(chan bool, 8)
	for range 8 {
		group.Go(func() {
			_, existed, err := b.AnnounceWindow(t.Context(), "k-1", maintenance("wechat", 0, time.Hour), noon)
			if err != nil {
				t.Error(err)
			}
			fresh <- !existed
		})
	}
	group.Wait()
	close(fresh)
	n := 0
	for f := range fresh {
		if f {
			n++
		}
	}
	require.Equal(t, 1, n)
	require.NoError(t, b.VerifyAudit(t.Context(), store.SubjectMaintenance(hospital)))
}

// The question of every step has to be one look into an index.
func TestTheOpenWindowsAreFoundByTheirIndex(t *testing.T) {
	b := newBooks(t)
	_, err := b.db.ExecContext(t.Context(), `
INSERT INTO maintenance_windows (id, hospital_id, system, starts_at, ends_at, announced_by, announced_at)
SELECT 'mw_' || n, 'h-renmin', 'wechat', now() - n * interval '1 day', now() - n * interval '1 day' + interval '1 hour', 'x', now()
  FROM generate_series(1, 5000) AS n`)
	require.NoError(t, err)
	_, err = b.db.ExecContext(t.Context(), `ANALYZE maintenance_windows`)
	require.NoError(t, err)
	rows, err := b.db.QueryContext(t.Context(), `EXPLAIN SELECT id FROM maintenance_windows WHERE hospital_id = 'h-renmin' AND over_at > now() AND starts_at <= now()`)
	require.NoError(t, err)
	defer rows.Close()
	plan := ""
	for rows.Next() {
		var line string
		require.NoError(t, rows.Scan(&line))
		plan += line + "\n"
	}
	require.NoError(t, rows.Err())
	require.Contains(t, plan, "maintenance_windows_open", plan)
}
