// randomschema prints the random provider's schema and bridge metadata: run it when its version changes.
//
//	go run ./randomschema schema --out pulumi-resource-random
package main

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfgen"

	"feastflow/toolchain/pulumi/randominfo"
)

func main() { tfgen.Main("random", randominfo.Info([]byte("{}"))) }
