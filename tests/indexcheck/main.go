// Reads an index as LocalAI reads it, and once more without mercy for unknown keys.
// Prints {"loose": error, "strict": error, "names": [...], "data": what any program would read}.
package main

import (
	"bytes"
	"encoding/json"
	"os"

	"gopkg.in/yaml.v3"
)

type entry struct {
	Name        string                 `yaml:"name"`
	URL         string                 `yaml:"url"`
	Description string                 `yaml:"description"`
	License     string                 `yaml:"license"`
	Icon        string                 `yaml:"icon"`
	Size        string                 `yaml:"size"`
	LastChecked string                 `yaml:"last_checked"`
	Tags        []string               `yaml:"tags"`
	URLs        []string               `yaml:"urls"`
	Overrides   map[string]interface{} `yaml:"overrides"`
	ConfigFile  map[string]interface{} `yaml:"config_file"`
	Files       []struct {
		Filename string `yaml:"filename"`
		SHA256   string `yaml:"sha256"`
		URI      string `yaml:"uri"`
	} `yaml:"files"`
	Variants []struct {
		Model string `yaml:"model"`
	} `yaml:"variants"`
}

func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func main() {
	raw, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	var loose, strict []entry
	var data interface{}
	answer := map[string]interface{}{}
	answer["loose"] = said(yaml.Unmarshal(raw, &loose))
	reader := yaml.NewDecoder(bytes.NewReader(raw))
	reader.KnownFields(true)
	answer["strict"] = said(reader.Decode(&strict))
	answer["any"] = said(yaml.Unmarshal(raw, &data))
	names := []string{}
	for _, each := range loose {
		names = append(names, each.Name)
	}
	answer["names"] = names
	answer["data"] = data
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		panic(err)
	}
}
