import { App } from "./components/app.ts";
import { Callers } from "./components/callers.ts";
import { Certificate } from "./components/certificate.ts";
import { Core } from "./components/core.ts";
import { Database } from "./components/database.ts";
import { Exposure } from "./components/exposure.ts";
import { FirewallRules } from "./components/firewallRules.ts";
import { Gateway } from "./components/gateway.ts";
import { Host } from "./components/host.ts";
import { KeycloakServer } from "./components/keycloakServer.ts";
import { Logger } from "./components/logger.ts";
import { PostgresServer } from "./components/postgresServer.ts";
import { Realm } from "./components/realm.ts";
import { Runtime } from "./components/runtime.ts";
import { ServiceDirectory } from "./components/serviceDirectory.ts";
import { loadConfig } from "./config.ts";

const config = loadConfig();
const { ports, urls } = config;

const host = new Host("host", {
  connection: config.connection,
  supervisor: config.supervisor,
  root: config.root,
  user: config.user,
  purge: !config.keepData,
  services: ["postgres", "keycloak", ...Object.keys(config.apps)],
  egress: config.egress,
  reached: [ports.postgres, ports.keycloak],
  forwardBase: config.forwardBase,
});

config.firewalls.map(
  (rules) => new FirewallRules("firewall", { host, ...rules, egress: config.egress }),
);

const server = new PostgresServer("postgres", {
  host,
  port: ports.postgres,
  databases: ["keycloak", ...config.databases],
  memory: config.postgresMemory,
  version: config.postgresVersion,
  binaries: config.postgresBinaries,
  external: config.postgres,
});
const database = (name: string): Database =>
  new Database(`${name}-db`, { host, server, database: name, rotation: config.rotations[name] });
config.kept.map(
  ({ name, database }) => new Database(`${name}-db`, { host, server, database, closed: true }),
);

const keycloak = new KeycloakServer("keycloak", {
  host,
  database: database("keycloak"),
  port: ports.keycloak,
  managementPort: ports.keycloakManagement,
  publicUrl: `${urls.gateway}/keycloak`,
});
const realm = new Realm("realm", {
  host,
  server: keycloak,
  realm: "hivematrix",
  frontendUrl: urls.gateway,
  administrator: { username: config.adminUsername, email: config.adminEmail },
});

const certificate = new Certificate("certificate", {
  host,
  names: config.names,
  reader: "nexus",
  own: config.certificate,
});
const services = new ServiceDirectory("services", {
  host,
  apps: config.apps,
  ports,
});
const callers = new Callers("callers", { host, names: Object.keys(config.apps) });
const runtime = new Runtime("runtime", { host });

const core = new Core("core", {
  host,
  runtime,
  database: database("core"),
  keycloak,
  realm,
  callers,
  port: ports.core,
  rules: config.tokens,
  apps: config.services,
  gateway: "nexus",
  loggerUrl: urls.logger,
});
const logger = new Logger("helm", {
  host,
  runtime,
  database: database("logger"),
  certificate,
  port: ports.logger,
  coreUrl: urls.core,
  healthChecks: config.healthChecks,
  settings: config.logger,
});
const gateway = new Gateway("nexus", {
  host,
  runtime,
  certificate,
  keycloak,
  realm,
  core,
  callers,
  directory: services,
  port: ports.gateway,
  metricsPort: ports.gatewayMetrics,
  origin: urls.gateway,
  loggerUrl: urls.logger,
});

const apps = config.services.map(
  (service) =>
    new App(service.name, {
      ...service,
      host,
      server,
      keycloak,
      realm,
      services,
      callers,
      core,
      loggerUrl: urls.logger,
      origin: urls.gateway,
    }),
);

new Exposure("exposure", {
  host,
  ports: config.declared,
  egress: config.egress,
  after: [server, keycloak, core, logger, gateway, ...apps],
});

export const gatewayUrl = urls.gateway;
export const helmUrl = urls.logger;
export const keycloakAdminUrl = `${keycloak.url}/admin/`;
export const coreUrl = urls.core;
export const caCertificatePath = certificate.authorityPath;
export const adminUsername = realm.adminUsername;
export const adminPassword = realm.adminPassword;
