package calendar

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
)

// Bounds of a file: a year has some forty lines.
const (
	maxLine  = 200
	maxLines = 10_000
	// longest is the most days that one line may take in; the longest holiday
	// so far had nine.
	longest = 31
)

// Read reads years from a file, as the State Council's notice tells them: one
// line for each holiday and each day that is worked in exchange.
//
//	# 国务院办公厅关于2026年部分节假日安排的通知
//	2026-10-01 2026-10-07 off
//	2026-09-20 work
//
// Dates are inclusive. An empty line, and what follows a #, is skipped. A year
// that the file names at all is taken from the file whole.
func Read(r io.Reader) (map[int]Exceptions, error) {
	years := map[int]Exceptions{}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, maxLine), maxLine)
	n := 0
	for lines.Scan() {
		if n++; n > maxLines {
			return nil, fmt.Errorf("holidays: more than %d lines", maxLines)
		}
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(text)
		if len(fields) == 0 {
			continue
		}
		if err := readLine(years, fields); err != nil {
			return nil, fmt.Errorf("holidays: line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("holidays: after line %d: %w", n, err)
	}
	return years, nil
}

func readLine(years map[int]Exceptions, fields []string) error {
	word := fields[len(fields)-1]
	if len(fields) > 3 || len(fields) < 2 || word != "off" && word != "work" {
		return fmt.Errorf("not of the form 2026-10-01 [2026-10-07] off|work")
	}
	first, err := readDay(fields[0])
	if err != nil {
		return err
	}
	last := first
	if len(fields) == 3 {
		if last, err = readDay(fields[1]); err != nil {
			return err
		}
	}
	if last.Start().Before(first.Start()) || last.Start().Sub(first.Start()) > longest*24*time.Hour {
		return fmt.Errorf("from %s to %s is no holiday", fields[0], fields[1])
	}
	for d := first; !d.Start().After(last.Start()); d = d.next() {
		if years[d.Year] == nil {
			years[d.Year] = Exceptions{}
		}
		if _, twice := years[d.Year][d]; twice {
			return fmt.Errorf("%s is there already", d.Start().Format(time.DateOnly))
		}
		years[d.Year][d] = word == "work"
	}
	return nil
}

func readDay(s string) (Day, error) {
	t, err := time.ParseInLocation(time.DateOnly, s, Zone)
	if err != nil {
		return Day{}, fmt.Errorf("%q is no date", s)
	}
	return DayOf(t), nil
}
