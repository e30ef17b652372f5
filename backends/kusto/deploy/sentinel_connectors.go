package deploy

import "strings"

// A connector brings tables into a workspace. Rules name those that they need, of which one
// suffices, by the ids of Azure-Sentinel's ValidConnectorIds.json and of the definitions of its
// connectors, which list their tables.
type connector struct {
	id, tables string // a table that ends in * is each that begins so
}

// connectors leave out those of the legacy agent where the same table has one of the Azure
// Monitor Agent.
var connectors = []connector{
	{"AWS", "AWSCloudTrail"},
	{"AWSS3", "AWSCloudTrail AWSCloudWatch AWSGuardDuty AWSVPCFlow"},
	{"AzureActiveDirectory", "AADManagedIdentitySignInLogs AADNonInteractiveUserSignInLogs AADProvisioningLogs AADRiskyServicePrincipals AADRiskyUsers " +
		"AADServicePrincipalRiskEvents AADServicePrincipalSignInLogs AADUserRiskEvents ADFSSignInLogs AuditLogs SigninLogs"},
	{"AzureActivity", "AzureActivity"},
	{"AzureMonitor(IIS)", "W3CIISLog"},
	{"CefAma", "CommonSecurityLog"},
	{"CiscoDuoSecurity", "CiscoDuo_CL"},
	{"CorelightConnectorExporter", "Corelight_v2_*"},
	{"CustomLogsAma", "ApacheHTTPServer_CL NGINX_CL"},
	{"DNS", "DnsEvents DnsInventory"},
	{"GCPAuditLogsDefinition", "GCPAuditLogs"},
	{"GitHubAuditBlobConnector", "GitHubAuditLogsV3_CL"},
	{"GoogleWorkspaceReportsAPI", "GWorkspaceActivityReports"},
	{"MicrosoftThreatProtection", "AlertEvidence AlertInfo CloudAppEvents DeviceEvents DeviceFileCertificateInfo DeviceFileEvents DeviceImageLoadEvents DeviceInfo " +
		"DeviceLogonEvents DeviceNetworkEvents DeviceNetworkInfo DeviceProcessEvents DeviceRegistryEvents EmailAttachmentInfo EmailEvents " +
		"EmailPostDeliveryEvents EmailUrlInfo IdentityDirectoryEvents IdentityLogonEvents IdentityQueryEvents UrlClickEvents"},
	{"Office365", "OfficeActivity"},
	{"OktaSSOv2", "OktaV2_CL"},
	{"OneLogin", "OneLogin_CL"},
	{"SecurityEvents", "SecurityEvent"},
	{"SyslogAma", "Syslog"},
	{"WindowsForwardedEvents", "WindowsEvent"},
	{"WindowsSecurityEvents", "SecurityEvent"},
}

// connectorsOf are the ids of the connectors of a table. A parser of ASIM needs none: the rules
// of Azure-Sentinel that ask one have an empty list.
func connectorsOf(table string) (ids []string, known bool) {
	if strings.HasPrefix(table, "im") || strings.HasPrefix(table, "_Im_") || strings.HasPrefix(table, "_ASim_") {
		return nil, true
	}
	for _, c := range connectors {
		for _, t := range strings.Fields(c.tables) {
			if isTable(t, table) {
				ids = append(ids, c.id)
			}
		}
	}
	return ids, ids != nil
}
