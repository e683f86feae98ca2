package host

import (
	"runtime/debug"

	"go.temporal.io/sdk/temporal"

	"github.com/regpay/regpay/internal/payment"
)

// builds is the search attribute in which Temporal keeps the builds of the
// workers that took a workflow's tasks. It writes a workflow's visibility record
// anew when the first task adds one, which is a third of what these records take
// from the database. A payment whose first task is taken here knows the build
// when it starts.
var builds = temporal.NewSearchAttributeKeyKeywordList("BuildIds")

// firstBuilds is what Temporal would write into builds after a first task that a
// worker of this build took (worker_versioning in the server's source): workers
// without Temporal's own versioning are of the build "unversioned" first.
func firstBuilds(build string) []string { return []string{"unversioned", "unversioned:" + build} }

// build names this program's source, the same for both programs of a release:
// what the SDK would use otherwise is another one for each.
func build() string {
	revision, changed := "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				revision = "+" + s.Value[:min(len(s.Value), 12)]
			case s.Key == "vcs.modified" && s.Value == "true":
				changed = ".modified"
			}
		}
	}
	return payment.Version + revision + changed
}
