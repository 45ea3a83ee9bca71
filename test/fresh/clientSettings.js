/**
 * What the package clients of this host need to reach their registries: through a proxy, a mirror
 * or an authority of the network's own. Only that: everything else a user prefers would make the
 * clean machine less clean. On the open internet there is usually nothing of it.
 */

const variables = [
  /^(https?|ftp|all|no)_proxy$/i,
  /^(NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE|GIT_SSL_CAINFO)$/,
  /^PIP_(CERT|CLIENT_CERT|INDEX_URL|EXTRA_INDEX_URL|TRUSTED_HOST|PROXY|DEFAULT_TIMEOUT|RETRIES)$/,
  /^npm_config_(registry|cafile|ca|proxy|https_proxy|noproxy|strict_ssl)$/i,
  /^(GOPROXY|GOSUMDB|GONOSUMDB|GONOPROXY|GOPRIVATE|GOINSECURE|GOVCS)$/,
  /^(MAVEN_OPTS|MAVEN_ARGS|JAVA_TOOL_OPTIONS)$/,
];

/**
 * @param {Readonly<Record<string, string | undefined>>} environment
 * @returns {Record<string, string>}
 */
export function clientVariables(environment) {
  /** @type {Record<string, string>} */
  const found = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value && variables.some((pattern) => pattern.test(name))) found[name] = value;
  }
  return found;
}

/**
 * @param {string} dump of `apt-config dump`
 * @returns {string} the same notation, which apt reads
 */
export function aptSettings(dump) {
  const network =
    /^Acquire::(https?::|Retries|Check-Date|Check-Valid-Until|ForceIPv[46]).*"[^"]+";$/i;
  return lines(dump, network);
}

/**
 * @param {string} text of an npmrc
 * @returns {string}
 */
export function npmSettings(text) {
  return lines(
    text,
    /^\s*(@[^:=]+:registry|\/\/[^=]+|registry|cafile|ca(\[\])?|proxy|https-proxy|noproxy|strict-ssl)\s*=/,
  );
}

/**
 * @param {string} text of Go's env file
 * @returns {string}
 */
export function goSettings(text) {
  return lines(text, /^(GOPROXY|GOSUMDB|GONOSUMDB|GONOPROXY|GOPRIVATE|GOINSECURE|GOVCS)=/);
}

/**
 * @param {string} text of a settings.xml
 * @returns {string} empty when it names neither mirror nor proxy
 */
export function mavenSettings(text) {
  // Maven's own file names one mirror, which only blocks plain http.
  const live = text
    .replace(/<!--[\s\S]*?-->/g, "")
    .replace(/<mirror>(?:(?!<\/mirror>)[\s\S])*<blocked>true<[\s\S]*?<\/mirror>/g, "");
  return /<(mirror|proxy|repository)>/.test(live) ? text : "";
}

/**
 * @param {string} hosts a bundle in PEM
 * @param {string} known another
 * @returns {string[]} certificates of the first that the second has not
 */
export function unknownCertificates(hosts, known) {
  const blocks = (/** @type {string} */ text) =>
    (text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((block) =>
      block.replace(/\r/g, ""),
    );
  const there = new Set(blocks(known));
  return [...new Set(blocks(hosts))].filter((block) => !there.has(block));
}

/**
 * @param {string} text
 * @param {RegExp} pattern
 * @returns {string}
 */
function lines(text, pattern) {
  return text
    .split("\n")
    .filter((line) => pattern.test(line))
    .map((line) => `${line}\n`)
    .join("");
}
