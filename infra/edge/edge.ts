import * as cdn from "@pulumi/azure-native/cdn";
import * as pulumi from "@pulumi/pulumi";
import { diagnostics } from "../monitoring/diagnostics";
import { firewallPolicy } from "./waf";
import { Tags } from "../tags";

/** A site's address in one region: the load balancer behind a Private Link Service. */
export interface EdgeOrigin {
  region: string;
  /** Resource id of the Private Link Service. */
  privateLinkServiceId: string;
  /** Address of the load balancer; unique among all origins. */
  address: string;
  /** Order among healthy origins, from 1; each its own. Only the region that serves is healthy, whatever the order. */
  priority: number;
}

/** One public host name and what answers for it. */
export interface EdgeSite {
  /** Short name, part of resource names. Changing it makes the site anew: an interruption. */
  site: string;
  hostName: string;
  /** Path that answers 200 only while requests can be served. */
  healthPath: string;
  origins: readonly EdgeOrigin[];
}

export interface EdgeArgs {
  names: { frontDoor: string; frontDoorEndpoint: string; wafPolicy: string };
  resourceGroupName: pulumi.Input<string>;
  sites: readonly EdgeSite[];
  firewall: {
    /** Whether requests that match are blocked or only logged. */
    mode: "Prevention" | "Detection";
    /** Requests one client address may make per minute. */
    rateLimitPerMinute: number;
    /** The same for webhook paths, which partners call from few shared addresses. */
    webhookRateLimitPerMinute: number;
  };
  logWorkspaceId: pulumi.Input<string>;
  tags: Tags;
}

/** A DNS record the domain's owner must create. */
export interface DnsRecord {
  type: "CNAME" | "TXT";
  name: string;
  value: pulumi.Output<string>;
}

/** Managed rules and private origins both need it; the firewall policy must have the same one. */
const SKU = "Premium_AzureFrontDoor";

/** Seconds between probes of one origin from one place; the default of 240 would notice an outage after minutes. */
const PROBE_INTERVAL_SECONDS = 30;

/**
 * Public entry of the platform: Azure Front Door with web application firewall, in front of private origins.
 * Requests go to the region whose probes succeed: a region that stands by has no pods that could answer.
 *
 * TLS ends here. Behind it the request stays on Microsoft's network and in private links, which carry one tenant's
 * traffic only, so the cluster needs no public certificate.
 *
 * Each origin's private link connection is created Pending: an operator approves it once, and again when region,
 * profile or service change. Until then the origin counts as down.
 *
 * Cost: profile per month, traffic per gigabyte, requests per 10,000.
 */
export class Edge extends pulumi.ComponentResource {
  readonly profileId: pulumi.Output<string>;
  /** Host of the Front Door endpoint, to which the public names point. */
  readonly endpointHost: pulumi.Output<string>;
  /** Records that point the public names here and prove who owns them. */
  readonly dnsRecords: DnsRecord[] = [];

  constructor(
    private readonly name: string,
    private readonly args: EdgeArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:edge:Edge", name, {}, opts);
    const profile = this.profile();
    const endpoint = this.endpoint(profile);
    this.profileId = profile.id;
    this.endpointHost = endpoint.hostName;
    const domains = args.sites.map((site) => this.site(site, profile, endpoint));
    this.protect(profile, domains);
    diagnostics(
      `${name}-diagnostics`,
      {
        resourceId: profile.id,
        workspaceId: args.logWorkspaceId,
        categories: ["allLogs"],
        metrics: "AllMetrics",
      },
      { parent: this },
    );
    this.registerOutputs({ endpointHost: this.endpointHost });
  }

  private profile() {
    return new cdn.Profile(
      `${this.name}-profile`,
      {
        profileName: this.args.names.frontDoor,
        resourceGroupName: this.args.resourceGroupName,
        location: "Global",
        sku: { name: SKU },
        originResponseTimeoutSeconds: 60,
        tags: this.args.tags,
      },
      { parent: this },
    );
  }

  private endpoint(profile: cdn.Profile) {
    return new cdn.AFDEndpoint(
      `${this.name}-endpoint`,
      {
        endpointName: this.args.names.frontDoorEndpoint,
        profileName: profile.name,
        resourceGroupName: this.args.resourceGroupName,
        location: "Global",
        enabledState: "Enabled",
        tags: this.args.tags,
      },
      { parent: this },
    );
  }

  private site(site: EdgeSite, profile: cdn.Profile, endpoint: cdn.AFDEndpoint): cdn.AFDCustomDomain {
    const group = this.originGroup(site, profile);
    const origins = site.origins.map((origin) => this.origin(site, origin, profile, group));
    const domain = this.domain(site, profile);
    this.route(site, { profile, endpoint, group, domain, origins });
    this.dnsRecords.push(
      { type: "CNAME", name: site.hostName, value: endpoint.hostName },
      {
        type: "TXT",
        name: `_dnsauth.${site.hostName}`,
        value: domain.validationProperties.apply(({ validationToken }) => validationToken),
      },
    );
    return domain;
  }

  private originGroup(site: EdgeSite, profile: cdn.Profile) {
    return new cdn.AFDOriginGroup(
      `${this.name}-${site.site}-origins`,
      {
        originGroupName: site.site,
        profileName: profile.name,
        resourceGroupName: this.args.resourceGroupName,
        healthProbeSettings: {
          probePath: site.healthPath,
          probeProtocol: "Http",
          probeRequestType: "GET",
          probeIntervalInSeconds: PROBE_INTERVAL_SECONDS,
        },
        loadBalancingSettings: {
          sampleSize: 4,
          successfulSamplesRequired: 3,
          additionalLatencyInMilliseconds: 50,
        },
        sessionAffinityState: "Disabled",
      },
      { parent: this },
    );
  }

  private origin(site: EdgeSite, origin: EdgeOrigin, profile: cdn.Profile, group: cdn.AFDOriginGroup) {
    return new cdn.AFDOrigin(
      `${this.name}-${site.site}-${origin.region}-origin`,
      {
        originName: origin.region,
        originGroupName: group.name,
        profileName: profile.name,
        resourceGroupName: this.args.resourceGroupName,
        hostName: origin.address,
        originHostHeader: site.hostName,
        httpPort: 80,
        httpsPort: 443,
        enforceCertificateNameCheck: true,
        enabledState: "Enabled",
        priority: origin.priority,
        weight: 1000,
        sharedPrivateLinkResource: {
          privateLink: { id: origin.privateLinkServiceId },
          privateLinkLocation: origin.region,
          requestMessage: `${this.args.names.frontDoor} ${site.site}`,
        },
      },
      { parent: this },
    );
  }

  private domain(site: EdgeSite, profile: cdn.Profile) {
    return new cdn.AFDCustomDomain(
      `${this.name}-${site.site}-domain`,
      {
        customDomainName: site.hostName.replaceAll(".", "-"),
        hostName: site.hostName,
        profileName: profile.name,
        resourceGroupName: this.args.resourceGroupName,
        tlsSettings: {
          certificateType: "ManagedCertificate",
          minimumTlsVersion: cdn.AfdMinimumTlsVersion.TLS12,
        },
      },
      { parent: this },
    );
  }

  private route(
    site: EdgeSite,
    parts: {
      profile: cdn.Profile;
      endpoint: cdn.AFDEndpoint;
      group: cdn.AFDOriginGroup;
      domain: cdn.AFDCustomDomain;
      origins: cdn.AFDOrigin[];
    },
  ) {
    return new cdn.Route(
      `${this.name}-${site.site}-route`,
      {
        routeName: site.site,
        endpointName: parts.endpoint.name,
        profileName: parts.profile.name,
        resourceGroupName: this.args.resourceGroupName,
        originGroup: { id: parts.group.id },
        customDomains: [{ id: parts.domain.id }],
        patternsToMatch: ["/*"],
        supportedProtocols: ["Http", "Https"],
        httpsRedirect: "Enabled",
        forwardingProtocol: "HttpOnly",
        // The firewall guards the public names; the endpoint's own name would lead around it.
        linkToDefaultDomain: "Disabled",
        enabledState: "Enabled",
      },
      // Azure refuses a route whose group is still empty, and the group's id alone does not wait for its origins.
      { parent: this, dependsOn: parts.origins },
    );
  }

  private protect(profile: cdn.Profile, domains: cdn.AFDCustomDomain[]) {
    const { names, resourceGroupName, firewall, tags } = this.args;
    const policy = firewallPolicy(
      `${this.name}-firewall`,
      { policyName: names.wafPolicy, resourceGroupName, sku: SKU, ...firewall, tags },
      { parent: this },
    );
    new cdn.SecurityPolicy(
      `${this.name}-firewall-association`,
      {
        securityPolicyName: "firewall",
        profileName: profile.name,
        resourceGroupName,
        parameters: {
          type: "WebApplicationFirewall",
          wafPolicy: { id: policy.id },
          associations: [{ domains: domains.map(({ id }) => ({ id })), patternsToMatch: ["/*"] }],
        },
      },
      { parent: this },
    );
  }
}
