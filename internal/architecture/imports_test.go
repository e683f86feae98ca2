package architecture

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rule says what the packages in some folders may import of this module. Test
// files may import more, but for where tests is set.
type rule struct {
	name  string
	of    func(dir string) bool
	may   func(dir, own string) bool
	tests bool
}

func in(roots ...string) func(string) bool {
	return func(dir string) bool { return within(dir, roots...) }
}

// domain is what every package below the clients stands on.
var domain = []string{"internal/payment", "internal/money"}

func only(roots ...string) func(string, string) bool {
	return func(dir, own string) bool { return own == dir || slices.Contains(roots, own) }
}

var rules = []rule{
	{name: "money stands alone", of: in("internal/money"), may: only(), tests: true},
	{name: "the domain knows money and nothing else", of: in("internal/payment"), may: only("internal/money"), tests: true},
	{
		name: "internal never imports workflows, activities or a main", of: in("internal"), tests: true,
		may: func(_, own string) bool { return !within(own, "workflows", "activities", "workers", "starter") },
	},
	{
		name: "the workflows import the activities and values", of: func(dir string) bool { return dir == "workflows" },
		may: only("activities", "internal/payment", "internal/money",
			"internal/channel",  // what a channel reports, as values
			"internal/privacy"), // which Encrypted gives to Go callers
	},
	{name: "who hosts the workflows imports them and the activities", of: in("workflows/host"), may: only("workflows", "activities", "internal/payment")},
	{name: "the activities import internal packages alone", of: in("activities"), may: func(_, own string) bool { return within(own, "internal") }},
	{
		name: "the activities reach channels and hospitals through interfaces", of: in("activities"),
		may: func(_, own string) bool {
			return !strings.HasPrefix(own, "internal/channel/") && !strings.HasPrefix(own, "internal/his/")
		},
	},
	{
		name: "the sandbox is written without what it checks", of: in("internal/sandbox", "deploy/sandbox"),
		may:   func(_, own string) bool { return within(own, "internal/sandbox", "deploy/sandbox") },
		tests: true,
	},
	{
		name: "nobody but the sandbox imports the sandbox", tests: false,
		of:  func(dir string) bool { return !within(dir, "internal/sandbox", "deploy") },
		may: func(_, own string) bool { return !within(own, "internal/sandbox") },
	},
	{name: "the channels' common part is the domain's", of: func(dir string) bool { return dir == "internal/channel" }, may: only(domain...)},
	{
		name: "a channel's client knows the domain and no other client",
		of:   func(dir string) bool { return strings.HasPrefix(dir, "internal/channel/") },
		may: func(dir, own string) bool {
			return within(own, "internal/payment", "internal/money") || own == "internal/channel" || own == "internal/outbound" || own == dir
		},
	},
	{name: "the HIS's common part is the domain's", of: func(dir string) bool { return dir == "internal/his" }, may: only(domain...)},
	{
		name: "a HIS gateway knows the domain and no other gateway",
		of:   func(dir string) bool { return strings.HasPrefix(dir, "internal/his/") },
		may: func(dir, own string) bool {
			return within(own, "internal/payment", "internal/money") || own == "internal/his" || own == "internal/outbound" || own == dir
		},
	},
	{
		name: "the books know no client and nobody above them", of: in("internal/store"),
		may: func(_, own string) bool {
			return !strings.HasPrefix(own, "internal/channel/") && !strings.HasPrefix(own, "internal/his/") &&
				!within(own, "internal/api", "internal/console", "internal/hospital", "internal/installation", "internal/config")
		},
	},
	{
		name: "ledger, voucher, audit, risk, privacy and identity know the domain",
		of:   in("internal/ledger", "internal/voucher", "internal/audit", "internal/risk", "internal/privacy", "internal/identity"),
		may: func(dir, own string) bool {
			return slices.Contains(domain, own) || own == "internal/outbound" || within(own, dir)
		},
	},
	{
		name: "handlers import neither workers nor the engine that is given to them", of: in("internal/api", "internal/console"),
		may: func(_, own string) bool { return within(own, "internal") },
	},
	{
		name: "nothing imports a main", tests: true,
		of:  func(string) bool { return true },
		may: func(dir, own string) bool { return own == dir || !slices.Contains([]string{"workers", "starter"}, own) },
	},
}

func TestWhoMayImportWhom(t *testing.T) {
	all := sources(t)
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			seen := 0
			for _, s := range all {
				if !r.of(s.dir) || s.test && !r.tests {
					continue
				}
				seen++
				for _, own := range s.own() {
					require.True(t, r.may(s.dir, own), "%s imports %s", s.path, own)
				}
			}
			require.NotZero(t, seen, "the rule looks at nothing")
		})
	}
}

// pure are packages that decide and never touch the world.
var pure = []string{"internal/payment", "internal/money", "internal/ledger", "internal/risk"}

func TestTheDomainIsPure(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || !slices.Contains(pure, s.dir) {
			continue
		}
		for _, i := range s.imports {
			for _, world := range []string{"os", "io", "net", "net/http", "database/sql", "log", "log/slog", "bufio", "math/rand", "math/rand/v2",
				"crypto/rand", "sync", "github.com/jmoiron/sqlx", "go.uber.org/zap", "go.temporal.io/sdk/workflow"} {
				require.NotEqual(t, world, i, s.path)
			}
		}
		require.False(t, s.calls("time", "Now"), "%s asks for the time", s.path)
	}
}
