package store

import "context"

type addressKey struct{}

// WithAddress says from which address the changes are asked for that are made
// under a context. Every record of the audit log that tells of one has it, so
// that none can be forgotten; what no person asks for has none.
func WithAddress(ctx context.Context, address string) context.Context {
	return context.WithValue(ctx, addressKey{}, address)
}

// AddressOf is the address of a context, empty without one.
func AddressOf(ctx context.Context) string {
	address, _ := ctx.Value(addressKey{}).(string)
	return address
}

// addressed puts an address into a record's details, unless they name one
// themselves.
func addressed(detail map[string]string, address string) map[string]string {
	if address == "" || detail["address"] != "" {
		return detail
	}
	if detail == nil {
		detail = map[string]string{}
	}
	detail["address"] = address
	return detail
}
