package console

import (
	"fmt"
	"sync"
)

// texts are the sentences of one language by key.
type texts map[string]string

// allTexts is every text of every language. Nothing writes to the maps once
// they are made.
var allTexts = sync.OnceValue(func() map[Language]texts {
	return map[Language]texts{
		Chinese: merged(chinesePages(), chineseWork(), chineseCases(), chineseCodes(), chineseHealth()),
		English: merged(englishPages(), englishWork(), englishCases(), englishCodes(), englishHealth()),
	}
})

func merged(parts ...texts) texts {
	all := texts{}
	for _, part := range parts {
		for key, text := range part {
			all[key] = text
		}
	}
	return all
}

// say gives the text of a key, with arguments where it has verbs of package
// fmt. A key that is missing is given back, so that a page still comes.
func say(l Language, key string, args ...any) string {
	text, ok := allTexts()[l][key]
	if !ok {
		return key
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// sayCode words a stable code, such as a status or an action of the log, and
// passes one that has no words on as it is: counterparties and later versions
// have codes of their own.
func sayCode(l Language, prefix, code string) string {
	if text, ok := allTexts()[l][prefix+"_"+code]; ok {
		return text
	}
	return code
}

// sayFirst gives the text of the first key that there is: a decision says of
// some reasons more exactly what it does.
func sayFirst(l Language, keys ...string) string {
	for _, key := range keys {
		if text, ok := allTexts()[l][key]; ok {
			return text
		}
	}
	return keys[len(keys)-1]
}
