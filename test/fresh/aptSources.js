/**
 * One entry of apt's configuration, field names in lower case.
 * @typedef {Record<string, string>} Source
 */

/**
 * Reads both notations: deb822 (`*.sources`) and one line an entry (`*.list`).
 * @param {readonly { path: string, text: string }[]} files
 * @returns {Source[]}
 */
export function parseSources(files) {
  return files.flatMap(({ path, text }) =>
    path.endsWith(".sources") ? parseStanzas(text) : parseLines(text),
  );
}

/**
 * Debian's own entries among the host's, for another release of it: same mirrors, same options.
 * Archives of third parties are left out; a newcomer's machine has none.
 * @param {readonly Source[]} sources
 * @param {string} codename the host's
 * @param {string} suite the release wanted
 * @returns {{ sources: Source[], mirror: string | undefined }} mirror: of the release itself
 */
export function sourcesFor(sources, codename, suite) {
  /** @type {Source[]} */
  const found = [];
  let mirror;
  for (const source of sources) {
    const suites = words(source["suites"]).flatMap((name) => translate(name, codename, suite));
    const signed = source["signed-by"] ?? "debian-archive";
    const ours = words(source["components"]).includes("main") && signed.includes("debian-archive");
    if (!ours || suites.length === 0 || /^no$/i.test(source["enabled"] ?? "")) continue;
    if (!words(source["types"]).includes("deb")) continue;
    found.push({ ...source, types: "deb", suites: suites.join(" ") });
    if (suites.includes(suite)) mirror ??= words(source["uris"])[0];
  }
  return { sources: found, mirror };
}

/**
 * @param {readonly Source[]} sources
 * @returns {string} as deb822
 */
export function formatSources(sources) {
  const stanza = (/** @type {Source} */ source) =>
    Object.entries(source)
      .map(([name, value]) => `${capitalised(name)}: ${value}\n`)
      .join("");
  return sources.map(stanza).join("\n");
}

/** @param {string} name @returns {string} */
function capitalised(name) {
  return name === "uris" ? "URIs" : name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}

/**
 * @param {string} name
 * @param {string} codename
 * @param {string} suite
 * @returns {string[]} empty for what is not one of Debian's own suites
 */
function translate(name, codename, suite) {
  const [, release, part = ""] = /^([a-z]+)(-updates|-security|-backports)?$/.exec(name) ?? [];
  return release === codename || release === "stable" ? [`${suite}${part}`] : [];
}

/**
 * @param {string} text
 * @returns {Source[]}
 */
function parseStanzas(text) {
  const kept = text.replace(/^#.*\n?/gm, "");
  return kept.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = [...stanza.matchAll(/^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t].*)*)/gm)];
    const source = Object.fromEntries(fields.map(([, name, value]) => [name.toLowerCase(), value]));
    return fields.length > 0 ? [source] : [];
  });
}

/**
 * @param {string} text
 * @returns {Source[]}
 */
function parseLines(text) {
  const line = /^(deb(?:-src)?)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#\n]*)/gm;
  return [...text.matchAll(line)].map(([, types, options = "", uris, suites, components]) => ({
    types,
    uris,
    suites,
    components: components.trim(),
    ...Object.fromEntries(
      words(options).map((option) => {
        const [name, value = ""] = option.split("=");
        return [name === "arch" ? "architectures" : name.toLowerCase(), value.replaceAll(",", " ")];
      }),
    ),
  }));
}

/**
 * @param {string | undefined} text
 * @returns {string[]}
 */
function words(text) {
  return (text ?? "").split(/\s+/).filter(Boolean);
}
