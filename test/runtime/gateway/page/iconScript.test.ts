import { expect } from "chai";
import fc from "fast-check";

import { localIconTag } from "../../../../runtime/gateway/page/iconScript.ts";
import { renderLayout } from "../../../../runtime/gateway/page/layout.ts";
import { PageComposer } from "../../../../runtime/gateway/page/pageComposer.ts";

const layout = renderLayout({
  services: [],
  active: "codex",
  user: undefined,
  theme: "light",
  colorTheme: "purple",
  version: "1",
  localIcons: true,
});

function compose(page: string, cut: number): string {
  const composer = new PageComposer(layout);
  const parts: Buffer[] = [];
  const push = (part: Buffer) => parts.push(part);
  const bytes = Buffer.from(page);
  for (let at = 0; at < bytes.length; at += cut) composer.write(bytes.subarray(at, at + cut), push);
  composer.end(push);
  return Buffer.concat(parts).toString();
}

describe("icons of pages (weakness 43)", () => {
  it("come from here when a page loads Lucide from unpkg.com, in any version and spelling", () => {
    for (const [tag, local] of [
      ['<script src="https://unpkg.com/lucide@latest">', '<script src="/l.js">'],
      ['<script src="//unpkg.com/lucide">', '<script src="/l.js">'],
      [
        "<SCRIPT defer SRC='https://unpkg.com/lucide@0.3/dist/umd/lucide.js' integrity=x>",
        '<script defer src="/l.js">',
      ],
      ["<script async src=https://unpkg.com/lucide@latest>", '<script async src="/l.js">'],
    ] as const) {
      expect(localIconTag(tag, "/l.js"), tag).to.equal(local);
    }
    for (const tag of [
      '<script src="https://unpkg.com/lucidity">',
      '<script src="https://unpkg.com/vue">',
      '<script src="https://evil.test/unpkg.com/lucide">',
      '<script data-src="https://unpkg.com/lucide@latest">',
      "<script>",
    ]) {
      expect(localIconTag(tag, "/l.js"), tag).to.equal(undefined);
    }
  });

  it("do so wherever the tag stands and however the page is cut, and nothing else changes", () => {
    const tag = '<script src="https://unpkg.com/lucide@latest"></script>';
    const page = `<html><head>${tag}<script>lucide</script></head><body><!-- ${tag} --><p>x</p>${tag}</body></html>`;
    const whole = compose(page, page.length);
    expect(whole.split('<script src="/static/js/lucide.js?v=1"></script>')).to.have.length(3);
    expect(whole).to.include(`<!-- ${tag} -->`).and.to.include("<script>lucide</script>");
    for (let cut = 1; cut < 80; cut += 1) expect(compose(page, cut), String(cut)).to.equal(whole);
  });

  it("are looked for in any bytes without losing one", () => {
    const piece = fc.constantFrom(
      ...["<script", ' src="https://unpkg.com/lucide"', " src='//unpkg.com/vue'", ">", "</script>"],
      ...[
        "<p>",
        "<!--",
        "-->",
        '"',
        "'",
        " ",
        "x",
        "<body>",
        "</body>",
        "<html>",
        "<head>",
        "<svg>",
      ],
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 14 }),
        fc.integer({ min: 1, max: 9 }),
        (pieces, cut) => {
          const page = pieces.join("");
          expect(compose(page, cut)).to.equal(compose(page, Math.max(1, page.length)));
        },
      ),
      { numRuns: 1000 },
    );
  });
});
