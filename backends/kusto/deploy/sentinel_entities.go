package deploy

import (
	"slices"
	"strings"
	"sync"

	"sigmac/internal/deploy"
	"sigmac/ir"
)

// sentinelEntity says by what an entity of Sentinel is known (Azure-Sentinel,
// EntityMappingIdentifiers): its identifiers, of which the strong ones suffice alone. Of a
// FileHash both are needed.
type sentinelEntity struct{ strong, weak string }

var sentinelEntities = sync.OnceValue(func() map[string]sentinelEntity {
	return map[string]sentinelEntity{
		"Account":          {"FullName Sid Name AadUserId PUID ObjectGuid", "NTDomain DnsDomain UPNSuffix AadTenantId IsDomainJoined DisplayName"},
		"AzureResource":    {"ResourceId", ""},
		"CloudApplication": {"AppId Name", "InstanceName"},
		"DNS":              {"DomainName", ""},
		"File":             {"Name", "Directory"},
		"FileHash":         {"", "Algorithm Value"},
		"Host":             {"FullName HostName NetBiosName AzureID OMSAgentID", "DnsDomain NTDomain OSFamily OSVersion IsDomainJoined"},
		"IP":               {"Address", "AddressScope"},
		"IoTDevice":        {"DeviceId", "DeviceName Manufacturer Model FirmwareVersion OperatingSystem MacAddress Protocols SerialNumber Source IoTSecurityAgentId DeviceType"},
		"MailCluster": {"Query Source", "NetworkMessageIds CountByDeliveryStatus CountByThreatType CountByProtectionStatus Threats QueryTime MailCount IsVolumeAnomaly " +
			"ClusterSourceIdentifier ClusterSourceType ClusterQueryStartTime ClusterQueryEndTime ClusterGroup"},
		"MailMessage": {"NetworkMessageId Recipient", "Urls Threats Sender P1Sender P1SenderDisplayName P1SenderDomain SenderIP P2Sender P2SenderDisplayName P2SenderDomain " +
			"ReceivedDate InternetMessageId Subject BodyFingerprintBin1 BodyFingerprintBin2 BodyFingerprintBin3 BodyFingerprintBin4 BodyFingerprintBin5 " +
			"AntispamDirection DeliveryAction DeliveryLocation Language ThreatDetectionMethods"},
		"Mailbox":        {"MailboxPrimaryAddress", "DisplayName Upn ExternalDirectoryObjectId RiskLevel"},
		"Malware":        {"Name", "Category"},
		"Process":        {"CommandLine ProcessId", "CreationTimeUtc ElevationToken"},
		"RegistryKey":    {"Key Hive", ""},
		"RegistryValue":  {"Name", "Value ValueType"},
		"SecurityGroup":  {"DistinguishedName SID ObjectGuid", ""},
		"SubmissionMail": {"SubmissionId NetworkMessageId Recipient Submitter", "Timestamp Sender SenderIp Subject ReportType SubmissionDate"},
		"URL":            {"Url", ""},
	}
})

// sentinelTypes are the entities of Sentinel for those that a plan names.
var sentinelTypes = map[string]string{"account": "Account", "host": "Host", "ip": "IP", "file": "File", "process": "Process", "url": "URL", "hash": "FileHash"}

// entityColumns say which columns of tables tell of an entity: lines of tables, each with lines
// below it of an entity and its identifiers, the first of which is strong. A line with + is of
// what each event of the table has; others count where a rule tests one of their columns. The
// columns of the group of a correlation have Sigma's names, which stand last. The other
// columns are those of Microsoft's references of the tables and of ASIM's schemas, the
// identifiers those that the rules of Azure-Sentinel give them.
const entityColumns = `
DeviceProcessEvents DeviceEvents
 +Host FullName=DeviceName
 +Account Name=AccountName NTDomain=AccountDomain Sid=AccountSid
 +Process CommandLine=ProcessCommandLine ProcessId=ProcessId CreationTimeUtc=ProcessCreationTime
DeviceLogonEvents
 +Host FullName=DeviceName
 +Account Name=AccountName NTDomain=AccountDomain Sid=AccountSid
 +IP Address=RemoteIP
DeviceFileEvents DeviceImageLoadEvents
 +Host FullName=DeviceName
 +File Name=FileName Directory=FolderPath
DeviceNetworkEvents
 +Host FullName=DeviceName
 +IP Address=RemoteIP
DeviceRegistryEvents
 +Host FullName=DeviceName
 +RegistryKey Key=RegistryKey
 +RegistryValue Name=RegistryValueName Value=RegistryValueData
DeviceFileEvents DeviceImageLoadEvents DeviceNetworkEvents DeviceRegistryEvents
 +Account Name=InitiatingProcessAccountName NTDomain=InitiatingProcessAccountDomain Sid=InitiatingProcessAccountSid
 +Process CommandLine=InitiatingProcessCommandLine ProcessId=InitiatingProcessId CreationTimeUtc=InitiatingProcessCreationTime
DeviceProcessEvents DeviceEvents DeviceLogonEvents
 Account Name=InitiatingProcessAccountName NTDomain=InitiatingProcessAccountDomain Sid=InitiatingProcessAccountSid
 Process CommandLine=InitiatingProcessCommandLine ProcessId=InitiatingProcessId CreationTimeUtc=InitiatingProcessCreationTime
DeviceProcessEvents DeviceEvents DeviceFileEvents DeviceImageLoadEvents DeviceNetworkEvents DeviceRegistryEvents DeviceLogonEvents
 File Name=FileName Directory=FolderPath
 File Name=InitiatingProcessFileName Directory=InitiatingProcessFolderPath
 IP Address=RemoteIP
 IP Address=LocalIP
 URL Url=RemoteUrl
 URL Url=FileOriginUrl
 RegistryKey Key=RegistryKey
 RegistryValue Name=RegistryValueName Value=RegistryValueData
 Host FullName=RemoteDeviceName
EmailEvents EmailPostDeliveryEvents
 +Mailbox MailboxPrimaryAddress=RecipientEmailAddress
 +MailMessage NetworkMessageId=NetworkMessageId Recipient=RecipientEmailAddress
 IP Address=SenderIPv4
UrlClickEvents
 +Account FullName=AccountUpn
 +URL Url=Url
 +IP Address=IPAddress
CloudAppEvents
 +Account AadUserId=AccountObjectId DisplayName=AccountDisplayName
 +IP Address=IPAddress
 +CloudApplication Name=Application
IdentityDirectoryEvents IdentityLogonEvents IdentityQueryEvents
 +Account FullName=AccountUpn Sid=AccountSid AadUserId=AccountObjectId
 +Host HostName=DeviceName
 +IP Address=IPAddress
 Host HostName=DestinationDeviceName
 IP Address=DestinationIPAddress
 Account FullName=TargetAccountUpn
SecurityEvent
 +Host FullName=Computer
 Account FullName=Account
 +Account Name=SubjectUserName NTDomain=SubjectDomainName Sid=SubjectUserSid
 Account Name=TargetUserName NTDomain=TargetDomainName Sid=TargetUserSid
 Process CommandLine=CommandLine ProcessId=NewProcessId
 IP Address=IpAddress
 Host HostName=WorkstationName
WindowsEvent ApacheHTTPServer_CL NGINX_CL
 +Host FullName=Computer
Syslog
 +Host FullName=Computer
 +IP Address=HostIP
 Process ProcessId=ProcessID
W3CIISLog
 +Host FullName=Computer
 +IP Address=cIP
 Account FullName=csUserName
DnsEvents
 +Host FullName=Computer
 +IP Address=ClientIP
 DNS DomainName=Name
CommonSecurityLog
 +IP Address=SourceIP
 IP Address=DestinationIP
 Host HostName=SourceHostName
 Host HostName=DestinationHostName
 Account Name=SourceUserName
 Account Name=DestinationUserName
 URL Url=RequestURL
 File Name=FileName Directory=FilePath
SigninLogs AADNonInteractiveUserSignInLogs
 +Account FullName=UserPrincipalName AadUserId=UserId
 +IP Address=IPAddress
 CloudApplication Name=AppDisplayName
AADUserRiskEvents
 +Account FullName=UserPrincipalName AadUserId=UserId
 +IP Address=IpAddress
AzureActivity
 +Account FullName=Caller
 +IP Address=CallerIpAddress
 +AzureResource ResourceId=_ResourceId
OfficeActivity
 +Account FullName=UserId
 +IP Address=ClientIP
 Account FullName=TargetUserOrGroupName
 File Name=SourceFileName
AWSCloudTrail
 +Account FullName=UserIdentityArn
 +IP Address=SourceIpAddress
 Account Name=UserIdentityUserName
GCPAuditLogs
 +Account FullName=PrincipalEmail
 CloudApplication Name=ServiceName
OktaV2_CL
 +Account FullName=ActorUsername
 +IP Address=SrcIpAddr
OneLogin_CL
 +Account Name=user_name_s
 +IP Address=ipaddr_s
 Account Name=actor_user_name_s
CiscoDuo_CL
 +Account Name=user_name_s
 +IP Address=access_device_ip_s
GitHubAuditLogsV3_CL
 +Account Name=Actor
 +IP Address=ActorIp
 Account Name=User
GWorkspaceActivityReports
 +Account FullName=ActorEmail
 +IP Address=SrcIpAddr
 Account FullName=UserEmail
Corelight_v2_*
 +IP Address=id_orig_h_s
 +IP Address=id_resp_h_s
 DNS DomainName=query_s
 Account Name=username_s
Corelight_v3_*
 +IP Address=id_orig_h
 +IP Address=id_resp_h
 DNS DomainName=query
 Account Name=username
imProcessCreate
 +Host HostName=DvcHostname
 +Account FullName=ActorUsername
 +Process CommandLine=TargetProcessCommandLine ProcessId=TargetProcessId CreationTimeUtc=TargetProcessCreationTime
 Account FullName=TargetUsername
 Process CommandLine=ActingProcessCommandLine ProcessId=ActingProcessId
imFileEvent
 +Host HostName=DvcHostname
 +Account FullName=ActorUsername
 +File Name=TargetFileName Directory=TargetFileDirectory
 File Name=SrcFileName Directory=SrcFileDirectory
 Process CommandLine=ActingProcessCommandLine ProcessId=ActingProcessId
 URL Url=TargetUrl
imRegistry
 +Host HostName=DvcHostname
 +Account FullName=ActorUsername
 +RegistryKey Key=RegistryKey
 RegistryValue Name=RegistryValue Value=RegistryValueData
 Process ProcessId=ActingProcessId
imNetworkSession
 +IP Address=SrcIpAddr
 +IP Address=DstIpAddr
 Host HostName=SrcHostname
 Host HostName=DstHostname
 Account FullName=SrcUsername
imWebSession
 +IP Address=SrcIpAddr
 +URL Url=Url
 Account FullName=SrcUsername
 IP Address=DstIpAddr
 Host HostName=DstHostname
_Im_Dns imDns
 +IP Address=SrcIpAddr
 +DNS DomainName=DnsQuery
 Host HostName=SrcHostname
imAuthentication
 +Account FullName=TargetUsername
 +IP Address=SrcIpAddr
 Account FullName=ActorUsername
 Host HostName=TargetHostname
imAuditEvent
 +Account FullName=ActorUsername
 +IP Address=SrcIpAddr
(group)
 Account Name=TargetUserName NTDomain=TargetDomainName
 Account Name=SubjectUserName NTDomain=SubjectDomainName
 Account FullName=User
 Account Sid=TargetUserSid
 Account Sid=SubjectUserSid
 Account Name=user
 Account Name=username
 Account Name=UserName
 Host FullName=Computer
 Host HostName=ComputerName
 Host HostName=host
 Host HostName=Workstation
 Host HostName=WorkstationName
 IP Address=SourceIp
 IP Address=DestinationIp
 IP Address=IpAddress
 IP Address=src_ip
 IP Address=dst_ip
 Process CommandLine=CommandLine
 DNS DomainName=QueryName
`

// An entityLine is one of entityColumns.
type entityLine struct {
	tables []string
	always bool
	entity deploy.Entity
}

var entityLines = sync.OnceValue(func() (out []entityLine) {
	var tables []string
	for _, line := range strings.Split(strings.Trim(entityColumns, "\n"), "\n") {
		words := strings.Fields(line)
		if !strings.HasPrefix(line, " ") {
			tables = words
			continue
		}
		typ, always := strings.CutPrefix(words[0], "+")
		e := deploy.Entity{Type: typ}
		for _, w := range words[1:] {
			identifier, column, _ := strings.Cut(w, "=")
			e.Fields = append(e.Fields, deploy.EntityField{Identifier: identifier, Column: column})
		}
		out = append(out, entityLine{tables, always, e})
	}
	return out
})

// maxEntities and maxIdentifiers are how many mappings a rule has, and how many identifiers one
// of them (Azure-Sentinel, QueryBasedTemplateInternalModel; Microsoft Learn: Microsoft Sentinel
// service limits, and entities reference).
const maxEntities, maxIdentifiers = 10, 3

// entitiesOf are those that a rule is about: as its plan says, or those of which it tests a
// column and then those that each event of its table has.
func entitiesOf(r *deploy.Rule) (out []deploy.Entity) {
	if r.Plan.Entities != nil {
		for _, e := range r.Plan.Entities {
			if own := sentinelTypes[e.Type]; own != "" {
				e.Type = own
			}
			out = append(out, e)
		}
		return out
	}
	tests := func(e deploy.Entity) bool {
		return slices.ContainsFunc(e.Fields, func(f deploy.EntityField) bool { return slices.Contains(r.Tested, f.Column) })
	}
	for _, tested := range []bool{true, false} {
		for _, line := range entityLines() {
			if !slices.ContainsFunc(line.tables, func(p string) bool { return isTable(p, r.Scope.Table) || p == "(group)" && r.Columns != nil }) ||
				tests(line.entity) != tested || !tested && !line.always {
				continue
			}
			e := deploy.Entity{Type: line.entity.Type}
			for i, f := range line.entity.Fields {
				if !returns(r, f.Column) {
					if i == 0 {
						break // the others are weak
					}
					continue
				}
				e.Fields = append(e.Fields, f)
			}
			if e.Fields == nil || len(out) == maxEntities || slices.ContainsFunc(out, func(x deploy.Entity) bool { return x.Type == e.Type && x.Fields[0] == e.Fields[0] }) {
				continue
			}
			out = append(out, e)
		}
	}
	return out
}

// isTable says whether a table is of a name, or of names that begin so.
func isTable(pattern, table string) bool {
	start, any := strings.CutSuffix(pattern, "*")
	return pattern == table || any && strings.HasPrefix(table, start)
}

// returns says whether it is known that results have a column.
func returns(r *deploy.Rule, column string) bool {
	if r.Columns == nil {
		if t, ok := r.Has(column); !ok || t == ir.Unknown && !slices.Contains(r.Tested, column) {
			return false
		}
	}
	return r.Result(column)
}
