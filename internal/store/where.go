package store

import (
	"slices"
	"strings"

	"github.com/lib/pq"
)

const (
	defaultRows = 50
	maxRows     = 500
)

// where collects the conditions of a query whose shape depends on a filter.
// Conditions are this package's own text; values travel as arguments alone.
type where struct {
	conditions []string
	args       []any
}

func (w *where) add(condition string, args ...any) {
	w.conditions = append(w.conditions, condition)
	w.args = append(w.args, args...)
}

// hospitals scopes a query; see Filter.
func (w *where) hospitals(column string, ids []string) {
	switch {
	case slices.Contains(ids, AllHospitals):
	case len(ids) == 1:
		w.add(column+" = ?", ids[0])
	default:
		w.add(column+" = ANY (?)", pq.StringArray(nonNil(ids)))
	}
}

// nonNil keeps a nil list from becoming NULL, which would still select nothing
// but for another reason.
func nonNil(ids []string) []string {
	if ids == nil {
		return []string{}
	}
	return ids
}

func (w *where) sql() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conditions, " AND ")
}

func limit(n int) int {
	if n <= 0 {
		return defaultRows
	}
	return min(n, maxRows)
}
