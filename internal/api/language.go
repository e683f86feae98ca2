package api

import "github.com/regpay/regpay/internal/inbound"

// Language is one in which the API speaks to people.
type Language = inbound.Language

// The languages. Chinese is the default, for a caller that asks for none.
const (
	Chinese = inbound.Chinese
	English = inbound.English
)
