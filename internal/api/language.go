package api

import (
	"golang.org/x/text/language"
)

// Language is one in which the API speaks to people.
type Language string

// The languages. Chinese is the default, for a caller that asks for none.
const (
	Chinese Language = "zh-CN"
	English Language = "en"
)

// languageOf picks by the Accept-Language header. A header that cannot be read
// is as good as none.
func languageOf(header string) Language {
	if len(header) > 200 {
		return Chinese
	}
	wanted, _, err := language.ParseAcceptLanguage(header)
	if err != nil {
		return Chinese
	}
	for _, tag := range wanted {
		switch base, _ := tag.Base(); base.String() {
		case "zh":
			return Chinese
		case "en":
			return English
		}
	}
	return Chinese
}
