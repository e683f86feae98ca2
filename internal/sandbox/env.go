package sandbox

import (
	"fmt"
	"log/slog"
)

// Env is what every counterparty is given. All of it is safe for concurrent use.
type Env struct {
	Clock      Clock
	Files      *Files
	Background *Background
	Notifier   *Notifier
	Patients   *Patients
	Log        *slog.Logger
	// Seed starts every random choice that should be repeatable. Keys, nonces
	// and tokens never come from it.
	Seed uint64
}

// EnvOptions say how an Env is made; only Dir is needed.
type EnvOptions struct {
	// Dir is where keys and the manifest are kept.
	Dir string
	// Seed for faults and patients.
	Seed uint64
	// Clock is [SystemClock] when nil.
	Clock Clock
	// NotifyScale multiplies the counterparties' repeat schedules; 0 means 1,
	// the real hours. 0.001 makes a minute 60 ms.
	NotifyScale float64
	// AllowRemote lets notifications leave this machine. Without it only
	// loopback addresses are called, since the URL comes from whoever orders.
	AllowRemote bool
	// Log discards when nil.
	Log *slog.Logger
}

// NewEnv makes the environment. Close it to end everything that runs in it.
func NewEnv(o EnvOptions) (*Env, error) {
	if o.Clock == nil {
		o.Clock = SystemClock()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	files, err := NewFiles(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("sandbox environment: %w", err)
	}
	background := NewBackground()
	return &Env{
		Clock:      o.Clock,
		Files:      files,
		Background: background,
		Notifier: NewNotifier(NotifierOptions{Clock: o.Clock, Background: background, Scale: o.NotifyScale,
			AllowRemote: o.AllowRemote, Log: o.Log}),
		Patients: NewPatients(PatientsOptions{Clock: o.Clock, Background: background, Seed: o.Seed, Log: o.Log}),
		Log:      o.Log,
		Seed:     o.Seed,
	}, nil
}

// NewFaults makes the faults of the counterparty called name, none to begin with.
func (e *Env) NewFaults(name string) *Faults { return NewFaults(name, e.Seed, e.Clock) }

// Close ends all background work and waits for it.
func (e *Env) Close() {
	e.Background.Close()
	e.Notifier.closeIdle()
}
