// The Keycloak resource plugin: the upstream Terraform provider behind Pulumi's bridge, with the
// tokens and property names of the official plugin (../README.md: what it lacks, when it goes).
package main

import (
	"github.com/keycloak/terraform-provider-keycloak/provider"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
)

// version is that of @pulumi/keycloak; set when linking.
var version = "0.0.0"

func resource(module, name string) *tfbridge.ResourceInfo {
	return &tfbridge.ResourceInfo{Tok: tfbridge.MakeResource("keycloak", module, name)}
}

func data(name string) *tfbridge.DataSourceInfo {
	return &tfbridge.DataSourceInfo{Tok: tfbridge.MakeDataSource("keycloak", "index", name)}
}

func main() {
	info := tfbridge.ProviderInfo{
		P:       shimv2.NewProvider(provider.KeycloakProvider(nil)),
		Name:    "keycloak",
		Version: version,
		Config: map[string]*tfbridge.SchemaInfo{"client_timeout": {
			Default: &tfbridge.DefaultInfo{Value: 5, EnvVars: []string{"KEYCLOAK_CLIENT_TIMEOUT"}},
		}},
		// The few names of the official plugin that do not follow from the upstream ones.
		Resources: map[string]*tfbridge.ResourceInfo{
			"keycloak_attribute_to_role_identity_provider_mapper": resource("index", "AttributeToRoleIdentityMapper"),
			"keycloak_custom_identity_provider_mapper":            resource("index", "CustomIdentityProviderMapping"),
			"keycloak_hardcoded_role_identity_provider_mapper":    resource("index", "HardcodedRoleIdentityMapper"),
			"keycloak_realm_keystore_java_keystore":               resource("index", "RealmKeystoreJavaGenerated"),
			"keycloak_openid_client_client_policy":                resource("openid", "ClientPolicy"),
			"keycloak_saml_client_default_scopes":                 resource("saml", "ClientDefaultScope"),
		},
		DataSources: map[string]*tfbridge.DataSourceInfo{
			"keycloak_authentication_execution": data("getAuthenticationExecution"),
			"keycloak_authentication_flow":      data("getAuthenticationFlow"),
		},
	}
	modules := []string{"authentication_", "ldap_", "oidc_", "openid_", "saml_"}
	info.MustComputeTokens(
		tokens.KnownModules("keycloak_", "index", modules, tokens.MakeStandard("keycloak")))
	info.SetAutonaming(255, "-")
	tfbridge.Main("keycloak", version, info, []byte("{}"))
}
