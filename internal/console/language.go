package console

import (
	"net/http"
	"time"

	"github.com/regpay/regpay/internal/inbound"
)

// Language is one in which the console speaks to staff.
type Language = inbound.Language

// The languages. Chinese is the default, for a browser that asks for neither.
const (
	Chinese = inbound.Chinese
	English = inbound.English
)

func languages() []Language { return []Language{Chinese, English} }

// languageCookie keeps the choice. It tells nothing of anybody, so it is not
// part of the session and is there before somebody has signed in.
const languageCookie = "regpay_language"

// languageYear is how long the choice is kept.
const languageYear = 365 * 24 * time.Hour

// languageOf picks the language that was chosen, else one that the browser
// asks for, else Chinese.
func languageOf(r *http.Request) Language {
	if c, err := r.Cookie(languageCookie); err == nil {
		for _, l := range languages() {
			if c.Value == string(l) {
				return l
			}
		}
	}
	return inbound.LanguageOf(r.Header.Get("Accept-Language"))
}

// chooseLanguage keeps the language that somebody asked for and returns to the
// page on which they did.
func (s *server) chooseLanguage(p *page) error {
	chosen := Chinese
	if p.form("to") == string(English) {
		chosen = English
	}
	http.SetCookie(p.w, &http.Cookie{
		Name: languageCookie, Value: string(chosen), Path: "/", MaxAge: int(languageYear.Seconds()),
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	})
	back, _ := within(p.form("back")) // else the start page
	return p.redirect(back)
}
