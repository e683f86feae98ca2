package architecture

import (
	"go/ast"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNoTestSleepsToWaitForSomething(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			require.False(t, s.calls("time", "Sleep"), "%s sleeps", s.path)
		}
	}
}

func TestNoTestIsSkipped(t *testing.T) {
	for _, s := range sources(t) {
		if !s.test {
			continue
		}
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				x, ok := sel.X.(*ast.Ident)
				skip := ok && slices.Contains([]string{"t", "b", "f", "tb"}, x.Name) && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, sel.Sel.Name)
				require.False(t, skip, "%s skips a test", s.path)
			}
			return true
		})
	}
}

// handlesMoney are the packages in which an amount could lose a fen.
var handlesMoney = []string{"internal/money", "internal/payment", "internal/ledger", "internal/channel", "internal/store", "internal/his",
	"activities", "workflows", "internal/api"}

func TestMoneyIsNeverAFloat(t *testing.T) {
	for _, s := range sources(t) {
		if !within(s.dir, handlesMoney...) || s.path == "internal/api/metrics.go" { // whose seconds are floats, as Prometheus has them
			continue
		}
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				require.NotContains(t, []string{"float32", "float64", "NewFromFloat", "NewFromFloat32", "InexactFloat64", "Float64", "ParseFloat"}, id.Name, s.path)
			}
			return true
		})
	}
}

func TestAPackageIsNamedAfterWhatItIs(t *testing.T) {
	for _, s := range sources(t) {
		for _, part := range strings.Split(s.dir, "/") {
			require.NotContains(t, []string{"util", "utils", "common", "helper", "helpers", "manager", "misc", "shared"}, part, s.path)
		}
	}
}

func TestAFileHoldsOneIdea(t *testing.T) {
	for _, s := range sources(t) {
		require.LessOrEqual(t, s.lines, 450, s.path)
	}
}

// The workflows' own time, randomness and concurrency are Temporal's; the
// checker of determinism sees more, this sees it without building anything.
func TestWorkflowsAskNobodyButTemporalForTheTime(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || s.dir != "workflows" || s.path == "workflows/client.go" { // which runs in the caller's process
			continue
		}
		require.False(t, s.calls("time", "Now"), s.path)
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			switch n.(type) {
			case *ast.GoStmt, *ast.SelectStmt, *ast.ChanType, *ast.SendStmt:
				t.Errorf("%s has a goroutine or a channel of Go's own", s.path)
			}
			return true
		})
		for _, i := range s.imports {
			require.NotContains(t, []string{"sync", "os", "net/http", "math/rand", "crypto/rand"}, i, s.path)
		}
	}
}
