/** Files of a PEM chain and its key. */
export interface Certificate {
  readonly chain: string;
  readonly key: string;
}

interface Nginx {
  readonly folder: string;
  readonly name: string;
  /** What stands in `http { … }` besides. */
  readonly http: string;
}

/** Everything nginx writes stays in the folder. */
export function nginx({ folder, name, http }: Nginx): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `daemon off;
worker_processes 1;
pid ${folder}/${name}.pid;
error_log ${folder}/${name}.error.log;
events { worker_connections 4096; }
http {
${temporary.map((kind) => `${kind}_temp_path ${folder}/${name}-${kind};`).join("\n")}
keepalive_requests 100000000;
${http}
}
`;
}

/** A page of 1 KB and JSON of 200 bytes, as a service would answer. */
export function backend(port: number, folder: string): string {
  return `access_log off;
server {
  listen 127.0.0.1:${String(port)};
  root ${folder}/www;
  types { text/html html; application/json json; }
}`;
}

interface Front {
  readonly port: number;
  readonly backend: number;
  readonly folder: string;
  readonly name: string;
  readonly certificate: Certificate;
  /** Of the server that is asked about every request; undefined: nobody is. */
  readonly auth?: number;
}

export function front({ port, backend, folder, name, certificate, auth }: Front): string {
  const headers = `proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto https;
    proxy_set_header X-Forwarded-Host $http_host;`;
  const asked = `location = /oauth2/auth {
    internal;
    proxy_pass http://auth;
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
    ${headers}
  }`;
  return `access_log ${folder}/${name}.access.log combined buffer=64k;
upstream backend { server 127.0.0.1:${String(backend)}; keepalive 256; keepalive_requests 100000000; }
${auth === undefined ? "" : `upstream auth { server 127.0.0.1:${String(auth)}; keepalive 256; keepalive_requests 100000000; }`}
server {
  listen 127.0.0.1:${String(port)} ssl;
  ssl_certificate ${certificate.chain};
  ssl_certificate_key ${certificate.key};
  ssl_protocols TLSv1.3;
  ${auth === undefined ? "" : asked}
  location / {
    ${auth === undefined ? "" : "auth_request /oauth2/auth; auth_request_set $token $upstream_http_authorization; proxy_set_header Authorization $token;"}
    proxy_pass http://backend;
    ${headers}
  }
}`;
}

export function caddy({
  port,
  backend,
  folder,
  certificate,
}: Omit<Front, "name" | "auth">): string {
  return `{
  admin off
  auto_https off
  storage file_system ${folder}/caddy-storage
  servers {
    protocols h1
  }
}
https://localhost:${String(port)} {
  bind 127.0.0.1
  tls ${certificate.chain} ${certificate.key} {
    protocols tls1.3
  }
  log {
    output file ${folder}/caddy.access.log {
      roll_disabled
    }
  }
  reverse_proxy 127.0.0.1:${String(backend)} {
    transport http {
      keepalive_idle_conns_per_host 256
    }
  }
}
`;
}

interface Oauth2Proxy {
  readonly identity: string;
  readonly backend: number;
  readonly origin: string;
}

/** Cookie session, token handed to the backend: what our gateway does with its own. */
export function oauth2Proxy({ identity, backend, origin }: Oauth2Proxy): string {
  return `provider = "oidc"
skip_oidc_discovery = true
oidc_issuer_url = "${identity}"
login_url = "${identity}/auth"
redeem_url = "${identity}/token"
oidc_jwks_url = "${identity}/keys"
redirect_url = "${origin}/oauth2/callback"
client_id = "bench"
client_secret = "bench"
cookie_secret = "0123456789abcdef0123456789abcdef"
cookie_secure = true
email_domains = ["*"]
insecure_oidc_skip_nonce = true
skip_provider_button = true
set_authorization_header = true
pass_authorization_header = true
set_xauthrequest = true
reverse_proxy = false
upstreams = ["http://127.0.0.1:${String(backend)}/"]
`;
}
