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

// after continues behind the row of a table that has this id, in the order of
// at and id; way is "<" or ">". The row's values are two subqueries, since a
// comparison with one subquery of two columns is no condition for an index.
func (w *where) after(table, at, id, way, last string) {
	w.add("("+at+", "+id+") "+way+" ((SELECT "+at+" FROM "+table+" WHERE "+id+" = ?), ?)", last, last)
}

// order is an order in which a table is paged through, of which each hospital
// has an index that begins with hospital_id.
type order struct {
	table, id, at string
	way           string // ASC or DESC
	which         string // a condition of that index; empty for none
}

// merged picks n rows over several hospitals as a derived table of ids: up to n
// of each hospital in its own order, and the first n of those. An index that
// begins with the hospital has the rows of one in order; of several at once it
// would have to be read whole and sorted, however short the page. The conditions
// of w hold for each hospital, and the list goes before their arguments.
func (w *where) merged(o order, hospitals []string, n int) string {
	from, list := o.scope(hospitals)
	w.args = append(list, w.args...)
	conditions := append([]string{"hospital_id = h.hospital"}, w.conditions...)
	if o.which != "" {
		conditions = append(conditions, o.which)
	}
	return "(SELECT one.id FROM " + from + " CROSS JOIN LATERAL (SELECT " + o.id + " AS id, " + o.at + " AS at FROM " + o.table +
		" WHERE " + strings.Join(conditions, " AND ") + " ORDER BY " + o.at + " " + o.way + ", " + o.id + " " + o.way + " LIMIT " + number(n) +
		") AS one ORDER BY one.at " + o.way + ", one.id " + o.way + " LIMIT " + number(n) + ")"
}

// scope is a derived table h of the hospitals of a list, each once, with its
// argument.
func (o order) scope(hospitals []string) (from string, args []any) {
	if slices.Contains(hospitals, AllHospitals) {
		return o.hospitals() + " AS h (hospital)", nil
	}
	list := slices.Clone(nonNil(hospitals))
	slices.Sort(list) // one that is named twice would come twice
	return "unnest(?::text[]) AS h (hospital)", []any{pq.StringArray(slices.Compact(list))}
}

// hospitals are those that the index has, each found by a step from the one
// before it.
func (o order) hospitals() string {
	first := "SELECT min(hospital_id) FROM " + o.table + " WHERE hospital_id > "
	which := ""
	if o.which != "" {
		which = " AND " + o.which
	}
	return "(WITH RECURSIVE known (id) AS (SELECT (" + first + "''" + which + ") UNION ALL SELECT (" + first + "known.id" + which +
		") FROM known WHERE known.id IS NOT NULL) SELECT id FROM known WHERE id IS NOT NULL)"
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
