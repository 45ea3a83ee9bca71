import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";

import { expect } from "chai";

const root = join(import.meta.dirname, "..");

/** What is committed or about to be. */
const files = execFileSync(
  "git",
  [
    "-c",
    `safe.directory=${root}`,
    "ls-files",
    "--cached",
    "--others",
    "--exclude-standard",
    "--deduplicate",
  ],
  { cwd: root, encoding: "utf8" },
)
  .split("\n")
  .filter((file) => file !== "" && existsSync(join(root, file)));

function read(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

const code = files.filter((file) => /\.(ts|js)$/.test(file));

/** Places that `text` imports from. */
function imports(text: string): string[] {
  const specifiers = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*["']([^"']+)["']/g);
  return [...specifiers].map(([, specifier]) => String(specifier));
}

describe("repository", () => {
  it("names no package registry: the clients know theirs", () => {
    // In parts, so that this file is checked too.
    const hosts = [
      ["registry", "npmjs"],
      ["registry", "yarnpkg"],
      ["proxy", "golang"],
      ["sum", "golang"],
      ["repo1", "maven"],
      ["repo", "maven"],
      ["pypi", "org"],
      ["files", "pythonhosted"],
      ["deb", "debian"],
      ["security", "debian"],
      ["archive", "ubuntu"],
      ["registry-1", "docker"],
    ].map((parts) => parts.join("."));
    for (const file of files) {
      const text = read(file);
      expect(
        hosts.filter((host) => text.includes(host)),
        file,
      ).to.deep.equal([]);
    }
  });

  it("has exact package versions, the same everywhere", () => {
    const versions = new Map<string, string>();
    for (const file of files.filter((name) => basename(name) === "package.json")) {
      const manifest = JSON.parse(read(file)) as Record<string, Record<string, string>>;
      for (const kind of ["dependencies", "devDependencies"]) {
        for (const [name, version] of Object.entries(manifest[kind] ?? {})) {
          expect(version, `${name} in ${file}`).to.match(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
          expect(versions.get(name) ?? version, `${name} in ${file}`).to.equal(version);
          versions.set(name, version);
        }
      }
    }
    expect(versions.get("@pulumi/pulumi")).to.equal("3.259.0");
  });

  it("has a lockfile that says what, not from where", () => {
    expect(read("package-lock.json")).not.to.match(/"resolved": "https?:/);
  });

  it("leaves the back end to the user's login", () => {
    expect(read("Pulumi.yaml")).not.to.match(/^\s*backend:/m);
  });

  it("allows only explicit providers, in every stack", () => {
    for (const file of files.filter((name) => /^Pulumi\.[^.]+\.yaml$/.test(name))) {
      expect(read(file), file).to.match(/pulumi:disable-default-providers:\s+- "\*"/);
    }
  });

  it("could do without toolchain/: nothing imports it, and it imports nothing", () => {
    expect(read("Pulumi.yaml")).not.to.include("toolchain");
    for (const file of code) {
      const inside = /^(test\/)?toolchain\//.test(file);
      for (const specifier of imports(read(file))) {
        if (!specifier.startsWith(".")) continue;
        const target = relative(root, resolve(root, dirname(file), specifier));
        const reaches = target.startsWith("toolchain/");
        if (!inside) expect(reaches, `${file} imports ${target}`).to.equal(false);
        if (file.startsWith("toolchain/")) {
          expect(reaches, `${file} imports ${target}`).to.equal(true);
        }
      }
    }
  });

  it("has a map without logic: index.ts neither loops nor decides", () => {
    const text = read("index.ts");
    expect(text).not.to.match(/\b(for|while|do|if|else|switch|try|function|await)\b/);
    expect(text).not.to.match(/=>\s*\{|\?\?|&&|\|\||\s\?\s/);
  });

  it("keeps the documents true: every link leads somewhere, every npm script exists", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    for (const file of files.filter((name) => name.endsWith(".md"))) {
      const text = read(file);
      for (const [, link] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        const target = String(link).split("#")[0];
        if (target === undefined || target === "" || /^[a-z]+:/.test(target)) continue;
        // The one folder that may be deleted.
        if (target.startsWith("toolchain/") && !existsSync(join(root, "toolchain"))) continue;
        expect(existsSync(join(root, dirname(file), target)), `${file}: ${target}`).to.equal(true);
      }
      for (const [, script] of text.matchAll(/\bnpm run (?:-s )?([a-z][\w:-]*)/g)) {
        expect(scripts, `${file}: npm run ${String(script)}`).to.have.property(String(script));
      }
    }
  });
});
