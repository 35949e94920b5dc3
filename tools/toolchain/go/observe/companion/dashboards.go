package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// The parts of Grafana's format that are shown: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
type grafana struct {
	Title      string  `json:"title"`
	Panels     []panel `json:"panels"`
	Templating struct {
		List []struct {
			Name    string `json:"name"`
			Type    string `json:"type"`
			Query   any    `json:"query"`
			AllText string `json:"allValue"`
			Current struct {
				Value any `json:"value"`
			} `json:"current"`
		} `json:"list"`
	} `json:"templating"`
}

type panel struct {
	Type        string  `json:"type"`
	Title       string  `json:"title"`
	Description string  `json:"description"`
	Panels      []panel `json:"panels"`
	GridPos     struct {
		W int `json:"w"`
	} `json:"gridPos"`
	FieldConfig struct {
		Defaults struct {
			Unit string `json:"unit"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
	Targets []struct {
		Expr   string `json:"expr"`
		Legend string `json:"legendFormat"`
	} `json:"targets"`
}

// What vmui reads: https://docs.victoriametrics.com/#vmui
type shown struct {
	Title string `json:"title"`
	Rows  []row  `json:"rows"`
}

type row struct {
	Title  string  `json:"title,omitempty"`
	Panels []graph `json:"panels"`
}

type graph struct {
	Title       string   `json:"title,omitempty"`
	Description string   `json:"description,omitempty"`
	Unit        string   `json:"unit,omitempty"`
	Expr        []string `json:"expr"`
	Alias       []string `json:"alias,omitempty"`
	Width       int      `json:"width,omitempty"`
}

// Grafana's names of units as vmui prints them; a share is shown in percent.
var units = map[string]string{"percentunit": "%", "percent": "%", "short": "", "none": "", "reqps": "req/s", "bytes": "B"}

// Narrower, the legend does not fit.
const narrowest, columns = 4, 12

// Grafana's own variables, and what stands for them on a page of vmui.
var builtIn = map[string]string{"__rate_interval": "1m", "__interval": "30s", "__range": "1h"}

var variable = regexp.MustCompile(`\$\{(\w+)(?::\w+)?\}|\$(\w+)|\[\[(\w+)\]\]`)

// fromGrafana returns a Grafana dashboard as vmui shows it: rows of graphs, variables with their present values.
func fromGrafana(text []byte) ([]byte, error) {
	var from grafana
	if err := json.Unmarshal(text, &from); err != nil {
		return nil, err
	}
	values := map[string]string{}
	for _, each := range from.Templating.List {
		values[each.Name] = value(each.Current.Value, each.Query, each.Type, each.AllText)
	}
	page := shown{Title: from.Title, Rows: []row{{}}}
	for _, each := range from.Panels {
		if each.Type == "row" {
			page.Rows = append(page.Rows, row{Title: each.Title})
			for _, inner := range each.Panels {
				page.add(inner, values)
			}
			continue
		}
		page.add(each, values)
	}
	kept := page.Rows[:0]
	for _, each := range page.Rows {
		if len(each.Panels) > 0 {
			kept = append(kept, each)
		}
	}
	page.Rows = kept
	if len(page.Rows) == 0 {
		return nil, errors.New("it has no panel with a query")
	}
	return json.Marshal(page)
}

func (s *shown) add(from panel, values map[string]string) {
	made := graph{
		Title: from.Title, Description: from.Description, Unit: from.FieldConfig.Defaults.Unit,
		// Grafana has 24 columns, vmui 12.
		Width: max(narrowest, min(columns, from.GridPos.W/2)),
	}
	share := made.Unit == "percentunit"
	if known, ok := units[made.Unit]; ok {
		made.Unit = known
	}
	named := false
	for _, target := range from.Targets {
		if target.Expr == "" {
			continue
		}
		expr := filled(target.Expr, values)
		if share {
			expr = "100 * (" + expr + ")"
		}
		made.Expr = append(made.Expr, expr)
		made.Alias = append(made.Alias, target.Legend)
		named = named || target.Legend != ""
	}
	if !named {
		made.Alias = nil
	}
	if len(made.Expr) > 0 {
		last := &s.Rows[len(s.Rows)-1]
		last.Panels = append(last.Panels, made)
	}
}

func filled(expr string, values map[string]string) string {
	return variable.ReplaceAllStringFunc(expr, func(found string) string {
		name := strings.Trim(strings.SplitN(found, ":", 2)[0], "${}[]")
		if known, ok := builtIn[name]; ok {
			return known
		}
		if known, ok := values[name]; ok {
			return known
		}
		return found
	})
}

// value returns what a variable stands for: its present value, several as one expression, or everything.
func value(current, query any, kind, all string) string {
	var chosen []string
	switch now := current.(type) {
	case string:
		chosen = []string{now}
	case []any:
		for _, each := range now {
			chosen = append(chosen, fmt.Sprint(each))
		}
	}
	text := strings.Join(chosen, "|")
	switch {
	case text != "" && text != "$__all":
		return text
	case text == "" && kind == "constant":
		return fmt.Sprint(query)
	case all != "":
		return all
	}
	return ".*"
}
