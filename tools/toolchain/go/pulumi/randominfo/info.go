// Package randominfo says how Terraform's random provider becomes Pulumi's.
package randominfo

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	bridge "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"

	"github.com/terraform-providers/terraform-provider-random/randomshim"
)

// Version is the release of pulumi-random whose Python package this provider serves.
const Version = "4.19.0"

// Info returns the bridge's description of the provider; metadata is the committed bridge-metadata.json.
func Info(metadata []byte) bridge.ProviderInfo {
	info := bridge.ProviderInfo{
		P:                tfbridge.ShimProvider(randomshim.NewProvider()),
		Name:             "random",
		Version:          Version,
		UpstreamRepoPath: ".",
		MetadataInfo:     bridge.NewProviderMetadata(metadata),
	}
	standard := tokens.MakeStandard("random")
	// random_password is RandomPassword, not Password: the names of the published package.
	info.MustComputeTokens(tokens.SingleModule("random_", "index", func(module, name string) (string, error) {
		return standard(module, "Random"+name)
	}))
	return info
}
