// The PostgreSQL resource plugin: the upstream Terraform provider (of 2020) behind Pulumi's bridge,
// with the tokens of the official plugin (../README.md: what it lacks, when it goes).
package main

import (
	"github.com/hashicorp/terraform-plugin-sdk/helper/schema"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	shimv1 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v1"
	"github.com/terraform-providers/terraform-provider-postgresql/postgresql"
)

// version is that of @pulumi/postgresql; set when linking.
var version = "0.0.0"

func main() {
	upstream := postgresql.Provider().(*schema.Provider)
	info := tfbridge.ProviderInfo{
		P:       shimv1.NewProvider(upstream),
		Name:    "postgresql",
		Version: version,
		Config: map[string]*tfbridge.SchemaInfo{
			"sslmode": {Default: &tfbridge.DefaultInfo{EnvVars: []string{"PGSSLMODE"}}},
			"connect_timeout": {
				Default: &tfbridge.DefaultInfo{Value: 180, EnvVars: []string{"PGCONNECT_TIMEOUT"}},
			},
		},
		Resources: map[string]*tfbridge.ResourceInfo{
			"postgresql_grant": {
				Tok:                 tfbridge.MakeResource("postgresql", "index", "Grant"),
				DeleteBeforeReplace: true,
			},
		},
	}
	info.MustComputeTokens(
		tokens.SingleModule("postgresql_", "index", tokens.MakeStandard("postgresql")))
	info.SetAutonaming(255, "-")
	tfbridge.Main("postgresql", version, info, []byte("{}"))
}
