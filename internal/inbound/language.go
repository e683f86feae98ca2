package inbound

import "golang.org/x/text/language"

// Language is one in which regpay speaks to people.
type Language string

// The languages. Chinese is the default, for who asks for neither.
const (
	Chinese Language = "zh-CN"
	English Language = "en"
)

// longestHeader is more than any browser sends.
const longestHeader = 200

// LanguageOf picks by an Accept-Language header. One that cannot be read is as
// good as none.
func LanguageOf(header string) Language {
	if len(header) > longestHeader {
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
