package stack

import (
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Part is a set of the things that a stack can run.
type Part uint8

// The parts, in the order in which they are started. Each one needs what is
// noted; [Start] adds it.
const (
	Postgres Part = 1 << iota
	Temporal      // needs Postgres
	UI            // needs Temporal
	Sandbox
	Regpay // needs all but UI

	// All is everything that the demo shows.
	All = Postgres | Temporal | UI | Sandbox | Regpay
)

// with adds the parts that the chosen ones cannot run without.
func (p Part) with() Part {
	if p&Regpay != 0 {
		p |= Postgres | Temporal | Sandbox
	}
	if p&UI != 0 {
		p |= Temporal
	}
	if p&Temporal != 0 {
		p |= Postgres
	}
	return p
}

func (p Part) has(q Part) bool { return p&q == q }

// Ports are the loopback ports to listen on. A zero means any free one, which
// is what tests want; people who bookmark the UI want a fixed one. The
// environment variable REGPAY_PORTS ("api=8080,ui=8233") fills the zeros.
type Ports struct {
	Postgres, Temporal, UI, API int
	// Sandbox ports by counterparty: wechat, unionpay, insurance, his,
	// identity, admin.
	Sandbox map[string]int
}

// Options say what to start and how. The zero value with Parts set is what an
// integration test needs.
type Options struct {
	// Name labels the run's folder and the progress lines; default "stack".
	Name string
	// Parts to start; those that they need are added.
	Parts Part
	// Keep makes the processes outlive the owner when [Stack.Leave] is called.
	// Without it the kernel ends them together with the owner.
	Keep bool
	// Race builds regpay's own binaries with the race detector; they always
	// are when the owner itself was.
	Race bool
	// Ports to listen on.
	Ports Ports
	// Shards is Temporal's number of history shards; default 4, enough for a
	// machine with a few cores.
	Shards int
	// Workers is how many worker processes the plan is offered addresses for;
	// default 1.
	Workers int
	// Namespace to create in Temporal; default "regpay".
	Namespace string
	// Hospitals that the sandbox onboards; default h-renmin and h-xiehe.
	Hospitals []string
	// QuickSandbox builds the sandbox so that its RSA takes less of a machine
	// that is measured: counterparties are on machines of their own.
	QuickSandbox bool
	// SandboxArgs are passed to the sandbox after the stack's own.
	SandboxArgs []string
	// CodecPath is where regpay's API serves the payload codec for the UI;
	// default "/codec".
	CodecPath string
	// PostgresSettings are added to the private cluster's configuration, last
	// one wins. fsync is on unless changed here.
	PostgresSettings map[string]string
	// TemporalPProf is a loopback port at which Temporal's server serves its
	// profiles; none when zero.
	TemporalPProf int
	// WriteConfig turns what the counterparties handed out and where
	// everything listens into regpay's configuration, and answers with
	// regpay's processes. Needed with the part Regpay.
	WriteConfig func(ctx context.Context, m Manifest, e Endpoints) (Plan, error)
	// Progress receives lines for people; nil is silent. A terminal gets a
	// live line while binaries are built.
	Progress io.Writer
	// Root is the checkout; default: found upwards from the working directory.
	Root string
	// Local is where binaries and data live; default $REGPAY_LOCAL, then
	// .local in the checkout.
	Local string
	// DatabaseURL and TemporalAddress name servers to use instead of private
	// ones; default $DATABASE_URL and $TEMPORAL_ADDRESS. "private" asks for a
	// private one whatever the environment says.
	DatabaseURL, TemporalAddress string
}

// Plan is regpay's own share of a stack, made by Options.WriteConfig.
type Plan struct {
	// Setup runs to its end, one after the other, before anything serves:
	// migrations, search attributes.
	Setup []Process
	// Serve is started in this order and stopped in reverse.
	Serve []Process
}

// Process is one program under the stack's supervision.
type Process struct {
	// Name is unique in the stack and names the log file.
	Name string
	// Path and Args as for os/exec.
	Path string
	Args []string
	// Env is added to the stack's own environment, from which settings meant
	// for other servers (TEMPORAL_…, PG…, DATABASE_URL) are removed.
	Env []string
	// Dir is the working directory; default the run's folder.
	Dir string
	// Ready is asked again and again until it answers nil; a process without
	// one counts as ready when started.
	Ready func(ctx context.Context) error
	// ReadyTimeout bounds that; default one minute.
	ReadyTimeout time.Duration
	// StopSignal asks the process to end; default SIGTERM.
	StopSignal Signal
	// StopTimeout is how long it may take before it is killed; default 15 s.
	StopTimeout time.Duration
	// Attempts is how often a process that exits before it is ready is
	// started; default once.
	Attempts int

	account *account // runs as this user; nil is the stack's own
	oneShot bool     // is expected to end by itself
}

var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,30}$`)

// complete fills the defaults in and refuses what cannot work.
func (o Options) complete() (Options, error) {
	o.Parts = o.Parts.with()
	if o.Parts == 0 {
		return o, fmt.Errorf("stack: no parts to start")
	}
	if o.Parts.has(Regpay) && o.WriteConfig == nil {
		return o, fmt.Errorf("stack: regpay's processes need a WriteConfig")
	}
	if o.Name == "" {
		o.Name = "stack"
	}
	if !validName.MatchString(o.Name) {
		return o, fmt.Errorf("stack: name %q: want lower-case letters, digits and hyphens, at most 31", o.Name)
	}
	if o.Shards == 0 {
		o.Shards = 4
	}
	if o.Workers == 0 {
		o.Workers = 1
	}
	o.Race = o.Race || ownerHasRaceDetector
	if o.Namespace == "" {
		o.Namespace = "regpay"
	}
	if len(o.Hospitals) == 0 {
		o.Hospitals = []string{"h-renmin", "h-xiehe"}
	}
	if o.CodecPath == "" {
		o.CodecPath = "/codec"
	}
	o.DatabaseURL = external(o.DatabaseURL, "DATABASE_URL")
	o.TemporalAddress = external(o.TemporalAddress, "TEMPORAL_ADDRESS")
	var err error
	if o.Ports, err = o.Ports.fromEnv(os.Getenv("REGPAY_PORTS")); err != nil {
		return o, err
	}
	if o.Root, err = findRoot(o.Root); err != nil {
		return o, err
	}
	o.Local, err = findLocal(o.Local, o.Root)
	return o, err
}

// external resolves the address of a server that is not the stack's own.
func external(option, variable string) string {
	if option == "private" {
		return ""
	}
	if option != "" {
		return option
	}
	return os.Getenv(variable)
}

// fromEnv fills the ports that are zero from a list such as "api=8080,ui=8233".
func (p Ports) fromEnv(list string) (Ports, error) {
	sandbox := make(map[string]int, len(p.Sandbox))
	for name, port := range p.Sandbox {
		sandbox[name] = port
	}
	p.Sandbox = sandbox
	if strings.TrimSpace(list) == "" {
		return p, nil
	}
	for entry := range strings.SplitSeq(list, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(entry), "=")
		port, err := strconv.Atoi(value)
		if err != nil || port < 1 || port > 65535 {
			return p, fmt.Errorf("REGPAY_PORTS: %q: want name=port with a port from 1 to 65535", entry)
		}
		fixed := map[string]*int{"postgres": &p.Postgres, "temporal": &p.Temporal, "ui": &p.UI, "api": &p.API}
		if place, ok := fixed[name]; ok {
			if *place == 0 {
				*place = port
			}
			continue
		}
		if !isCounterparty(name) {
			return p, fmt.Errorf("REGPAY_PORTS: unknown name %q: want postgres, temporal, ui, api or one of %s",
				name, strings.Join(counterparties(), ", "))
		}
		if p.Sandbox[name] == 0 {
			p.Sandbox[name] = port
		}
	}
	return p, nil
}

// quickRSA is the experiment of Go's by which BoringSSL signs instead of Go: one
// signature of RSA takes less than half as long. Without a C compiler it changes
// nothing.
const quickRSA = "boringcrypto"

// sandboxExperiment is what the sandbox is built with. With the race detector
// time is no matter, and the standard library would be compiled once more.
func (o Options) sandboxExperiment() string {
	if o.QuickSandbox && !o.Race {
		return quickRSA
	}
	return ""
}
