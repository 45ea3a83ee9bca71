import { Certificate } from "./components/certificate.ts";
import { Database } from "./components/database.ts";
import { Host } from "./components/host.ts";
import { KeycloakServer } from "./components/keycloakServer.ts";
import { PostgresServer } from "./components/postgresServer.ts";
import { Realm } from "./components/realm.ts";
import { ServiceDirectory } from "./components/serviceDirectory.ts";
import { loadConfig } from "./config.ts";

const config = loadConfig();
const { ports } = config;

const host = new Host("host", { root: config.root, user: config.user, purge: !config.keepData });

const server = new PostgresServer("postgres", {
  host,
  port: ports.postgres,
  databases: ["keycloak", ...config.databases],
});
const keycloakDatabase = new Database("keycloak-db", { host, server, database: "keycloak" });
config.databases.map((database) => new Database(`${database}-db`, { host, server, database }));

const keycloak = new KeycloakServer("keycloak", {
  host,
  server,
  database: keycloakDatabase,
  port: ports.keycloak,
  managementPort: ports.keycloakManagement,
});
const realm = new Realm("realm", {
  host,
  server: keycloak,
  realm: "hivematrix",
  frontendUrl: `https://localhost:${String(ports.gateway)}`,
  administrator: { username: config.adminUsername, email: config.adminEmail },
});

const certificate = new Certificate("certificate", {
  host,
  names: ["localhost", "127.0.0.1", "::1"],
});
new ServiceDirectory("services", {
  host,
  apps: config.registry.apps,
  ports,
  keycloakPort: ports.keycloak,
});

export const gatewayUrl = `https://localhost:${String(ports.gateway)}`;
export const helmUrl = `http://localhost:${String(ports.logger)}`;
export const keycloakAdminUrl = `${keycloak.url}/admin/`;
export const coreUrl = `http://localhost:${String(ports.core)}`;
export const caCertificatePath = certificate.authorityPath;
export const adminUsername = realm.adminUsername;
export const adminPassword = realm.adminPassword;
