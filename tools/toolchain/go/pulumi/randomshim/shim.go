// Package randomshim re-exports the random provider, which upstream keeps in an internal package: a module
// whose path begins with the provider's own may import it.
package randomshim

import (
	"github.com/hashicorp/terraform-plugin-framework/provider"

	random "github.com/terraform-providers/terraform-provider-random/internal/provider"
)

// NewProvider returns the Terraform provider that the Pulumi provider bridges.
func NewProvider() provider.Provider { return random.New() }
