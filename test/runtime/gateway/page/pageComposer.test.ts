import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { expect } from "chai";
import fc from "fast-check";

import type { PageOptions } from "../../../../runtime/gateway/page/layout.ts";
import { composePage } from "../../../support/composePage.ts";

const options: PageOptions = {
  services: [
    { name: "helm", title: "Helm" },
    { name: "codex", title: "Codex" },
  ],
  active: "helm",
  user: { name: "Ada", level: "admin" },
  theme: "dark",
  colorTheme: "green",
  version: "1",
};

/** What is put in, by its first characters. */
const attributes = ' data-theme="dark" data-color-theme="green"';
const html = `<html${attributes}>`;

async function composeBytes(
  chunks: readonly Buffer[],
  changed: Partial<PageOptions> = {},
): Promise<Buffer> {
  return buffer(Readable.from(chunks).pipe(composePage({ ...options, ...changed })));
}

/** The page with short marks for what was put in: `[assets]`, `[open]`, `[close]`. */
async function compose(page: string, changed: Partial<PageOptions> = {}): Promise<string> {
  const composed = await composeBytes([Buffer.from(page)], changed);
  return composed
    .toString()
    .replace(/<script src="\/static\/js\/theme.js.*?panel.js[^>]*><\/script>/g, "[assets]")
    .replace(/<div class="hivematrix-layout">.*?<div class="hivematrix-content">/gs, "[open]")
    .replace(/<\/div><\/div>(?=<\/body|<\/html|$)/gi, "[close]");
}

/** Cuts bytes at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort(
    (a, b) => a - b,
  );
  return [...ends, bytes.length].map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Bytes in buffers that are still in use. */
function measureBuffers(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

describe("composePage", () => {
  it("puts theme, assets and layout where they belong", async () => {
    const page =
      "<!DOCTYPE html>\n<html lang=en>\n<head><title>x</title></head>\n<body class=a>hi</body></html>\n";
    expect(await compose(page)).to.equal(
      `<!DOCTYPE html>\n<html${attributes} lang=en>\n<head><title>x</title>[assets]</head>\n<body class=a>[open]hi[close]</body></html>\n`,
    );
  });

  it("puts in exactly the assets of the contract and the two scripts", async () => {
    const composed = (await composeBytes([Buffer.from("<html><head></head></html>")])).toString();
    expect(/<head>(.*)<\/head>/.exec(composed)?.[1]).to.equal(
      '<script src="/static/js/theme.js?v=1"></script>' +
        '<link rel="stylesheet" href="/static/css/global.css?v=1">' +
        '<link rel="stylesheet" href="/static/css/side-panel.css?v=1">' +
        '<script defer src="/static/js/panel.js?v=1"></script>',
    );
  });

  const pages: Readonly<Record<string, readonly [page: string, composed: string]>> = {
    "tags in upper case": [
      "<HTML><HEAD></HEAD><BODY>x</BODY></HTML>",
      `<HTML${attributes}><HEAD>[assets]</HEAD><BODY>[open]x[close]</BODY></HTML>`,
    ],
    "a comment before html": [
      "<!-- <html> <body> --><html><head></head><body>x</body></html>",
      `<!-- <html> <body> -->${html}<head>[assets]</head><body>[open]x[close]</body></html>`,
    ],
    "> in quoted attributes": [
      `<html lang="a>b" title='</head>'><head></head><body data-x=">" y='>'>x</body></html>`,
      `<html${attributes} lang="a>b" title='</head>'><head>[assets]</head><body data-x=">" y='>'>[open]x[close]</body></html>`,
    ],
    "a theme of its own": [
      '<html data-theme="light"><head></head><body></body></html>',
      `<html${attributes} data-theme="light"><head>[assets]</head><body>[open][close]</body></html>`,
    ],
    "no head": ["<html><body>x</body></html>", `${html}[assets]<body>[open]x[close]</body></html>`],
    "no html": [
      "<head></head><body>x</body>",
      `${html}<head>[assets]</head><body>[open]x[close]</body>`,
    ],
    "no end of the body": [
      "<html><head></head><body>x",
      `${html}<head>[assets]</head><body>[open]x[close]`,
    ],
    "neither head nor body, as Flask's own errors": [
      "<!doctype html>\n<html lang=en>\n<title>404</title>\n<h1>Not Found</h1>\n",
      `<!doctype html>\n<html${attributes} lang=en>\n<title>404</title>\n[assets][open]<h1>Not Found</h1>\n[close]`,
    ],
    "only a doctype": [
      "<!doctype html><title>x</title><p>y",
      `<!doctype html>${html}<title>x</title>[assets][open]<p>y[close]`,
    ],
    "text right after html": ["<html>hi</html>", `${html}[assets][open]hi[close]</html>`],
    "scripts after the body": [
      "<html><head></head><body>x</body><script>1</script></html>",
      `${html}<head>[assets]</head><body>[open]x[close]</body><script>1</script></html>`,
    ],
  };
  for (const [title, [page, composed]] of Object.entries(pages)) {
    it(`composes a page with ${title}`, async () => {
      expect(await compose(page)).to.equal(composed);
    });
  }

  const disguises: Readonly<Record<string, string>> = {
    "a comment": "<!-- </head><body></body> -->",
    "a comment that ends with --!>": "<!-- </head><body> --!>",
    "an empty comment before": "<!--><!---><!-- </head> -->",
    "a script": "<script>'</head><body></body>'</script>",
    "a script in a script": "<script><!-- <script></script></head><body> --></script>",
    "a style": "<style>/* </head><body> */</style>",
    "a title": "<title></head><body></titles></title>",
    "a template": "<template><head></head><body></body></template>",
    noscript: "<noscript></head></noscript>",
    "an attribute": `<meta content="</head><body>">`,
    "an attribute without quotes": "<meta content=it's><meta content='</head><body>'>",
    "a processing instruction": "<?php '</head' ?>",
  };
  for (const [title, disguise] of Object.entries(disguises)) {
    it(`is not deceived by ${title} in the head`, async () => {
      const page = `<html><head>${disguise}</head><body>x</body></html>`;
      expect(await compose(page)).to.equal(
        `${html}<head>${disguise}[assets]</head><body>[open]x[close]</body></html>`,
      );
    });
  }

  for (const disguise of [
    "<textarea></body></html></textarea>",
    '<iframe srcdoc="</body>"></body></iframe>',
    "<script>document.write('</body>')</script>",
    "<svg><title/><style/><script/><![CDATA[</body>]]></svg>",
    "<a title='</body>'>x</a>",
    "1 < 2 <3 </ body> <>",
    "<bodyguard></bodyguard>",
  ]) {
    it(`is not deceived by ${disguise} in the body`, async () => {
      const page = `<html><head></head><body>${disguise}</body></html>`;
      expect(await compose(page)).to.equal(
        `${html}<head>[assets]</head><body>[open]${disguise}[close]</body></html>`,
      );
    });
  }

  for (const fragment of [
    "",
    "plain",
    "<p>a</p><body>b</body>",
    "<tr><td>x</td></tr>",
    "<script>1</script><div>x</div></body></html>",
    "  <div><html><head></head></div>",
    "<header>x</header>",
    "<frameset></frameset>",
    "<",
    "<!",
    "<!-- not ended",
  ]) {
    it(`passes the fragment ${JSON.stringify(fragment)} as it is`, async () => {
      expect((await composeBytes([Buffer.from(fragment)])).toString()).to.equal(fragment);
    });
  }

  it("closes the layout before a tag that was not ended", async () => {
    expect(await compose("<html><body>x<p")).to.match(/x<\/div><\/div><p$/);
  });

  it("adds nothing inside of an element that was not ended", async () => {
    expect(await compose("<html><body><script>x")).to.match(/<script>x$/);
  });

  for (const encoding of ["utf16le", "utf16be"] as const) {
    for (const mark of ["", "\ufeff"]) {
      it(`passes ${encoding} ${mark === "" ? "without" : "with"} a byte order mark`, async () => {
        const page = Buffer.from(`${mark}<html><head></head><body>x</body></html>`, "utf16le");
        if (encoding === "utf16be") page.swap16();
        const composed = await composeBytes([page.subarray(0, 1), page.subarray(1)]);
        expect(composed.equals(page)).to.equal(true);
      });
    }
  }

  for (const mark of [
    [0xfe, 0xff],
    [0xff, 0xfe],
  ]) {
    it(`passes UTF-16 after ${mark.join(" ")} whose characters have the bytes of tags`, async () => {
      const page = Buffer.concat([Buffer.from(mark), Buffer.from("<html><body>x</body></html>")]);
      const composed = await composeBytes([page.subarray(0, 1), page.subarray(1)]);
      expect(composed.toString("latin1")).to.equal(page.toString("latin1"));
    });
  }

  it("takes a UTF-8 byte order mark for no text", async () => {
    const page = "\ufeff<!doctype html><html><head></head><body>x</body></html>";
    expect(await compose(page)).to.match(/^\ufeff<!doctype html><html data-theme/);
  });

  it("puts only ASCII in, whatever the encoding of the page is", async () => {
    const text = Buffer.from([0xe4, 0xf6, 0x80, 0xff]);
    const page = [Buffer.from("<html><head></head><body>"), text, Buffer.from("</body></html>")];
    const composed = await composeBytes(page, {
      user: { name: "J\u00f6rg \u{1f41d}", level: "admin" },
      services: [{ name: "helm", title: "\u00c4mter" }],
    });
    const place = composed.indexOf(text);
    expect(place).to.be.greaterThan(0);
    const others = Buffer.concat([composed.subarray(0, place), composed.subarray(place + 4)]);
    expect(others.every((byte) => byte < 0x80)).to.equal(true);
    expect(others.toString()).to.include("J&#246;rg &#128029;").and.include("&#196;mter");
  });

  it("attack: names of users, services and themes stay text", async () => {
    const evil = `"><script>alert(1)</script>'&`;
    const composed = (
      await composeBytes([Buffer.from("<html><head></head><body></body></html>")], {
        user: { name: evil, level: evil },
        services: [{ name: evil, title: evil }],
        active: evil,
        colorTheme: evil,
        version: evil,
      })
    ).toString();
    expect(composed).to.not.include("<script>");
    expect(composed).to.not.include(`"">`);
    expect(composed.match(/<script/g)).to.have.length(2);
  });

  /** Pages of pieces that matter to the scanner, in any order. */
  const anyPage = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          ...["<!doctype html>", "<html>", "<HTML lang='>'>", "<head>", "</head>", '<body a=">">'],
          ...["</body>", "</html>", "<!--", "-->", "--!>", "<!-->", "<script>", "</script>", "<"],
          ...["<style>", "</style >", "<svg>", "</svg>", "<title/>", "<![CDATA[", "]]>", "</", "-"],
          ...["<template>", "</template>", "<textarea\n>", "</textarea>", "<p a='", "'", '"', ">"],
          ...["<?", "<!", " ", "x", "\u00e4\u{1f41d}", "<plaintext>", "<frameset>", "=", "/"],
          ...[`<${"long-".repeat(8)}`],
        ),
        fc.string({ maxLength: 4 }),
      ),
      { maxLength: 24 },
    )
    .map((pieces) => Buffer.from(pieces.join("")));
  const anyPlaces = fc.array(fc.nat(400), { maxLength: 12 });

  it("does the same wherever the page is cut", async () => {
    await fc.assert(
      fc.asyncProperty(anyPage, anyPlaces, async (page, places) => {
        const whole = await composeBytes([page]);
        const pieces = await composeBytes(cut(page, places));
        const single = await composeBytes([...page].map((byte) => Buffer.of(byte)));
        expect(pieces.toString("latin1")).to.equal(whole.toString("latin1"));
        expect(single.toString("latin1")).to.equal(whole.toString("latin1"));
      }),
      { numRuns: 1500 },
    );
  });

  it("keeps every byte of the page, in order", async () => {
    await fc.assert(
      fc.asyncProperty(anyPage, async (page) => {
        const composed = (await compose(page.toString("latin1"))).replaceAll("</div></div>", "");
        const bare = composed
          .replaceAll(html, "")
          .replaceAll(attributes, "")
          .replaceAll(/\[(assets|open|close)\]/g, "");
        const expected = page
          .toString("latin1")
          .replaceAll("<html>", "")
          .replaceAll("</div></div>", "");
        expect(bare.replaceAll("<html>", "")).to.equal(expected);
      }),
      { numRuns: 1500 },
    );
  });

  it("passes a page of 64 MB with flat memory", async function () {
    this.timeout(60_000);
    const piece = `<p class="a">text</p><!-- c --><script>1 < 2</script>\n`.repeat(1200);
    const count = Math.ceil((64 * 1024 * 1024) / piece.length);
    function* page(): Generator<Buffer> {
      yield Buffer.from("<html><head></head><body>");
      // A buffer of its own each time: one that is kept must count.
      for (let index = 0; index < count; index += 1) yield Buffer.from(piece);
      yield Buffer.from("</body></html>");
    }
    const before = measureBuffers();
    let length = 0;
    let measured = 0;
    let most = 0;
    for await (const part of Readable.from(page()).pipe(composePage(options))) {
      length += (part as Buffer).length;
      // Once for every 8 MB.
      if (length < (measured + 1) * 8 * 1024 * 1024) continue;
      measured += 1;
      most = Math.max(most, measureBuffers() - before);
    }
    expect(length).to.be.greaterThan(count * piece.length);
    expect(measured).to.equal(8);
    // Far less than the page; other tests of this process leave buffers behind.
    expect(most).to.be.lessThan(24 * 1024 * 1024);
  });

  it("takes time that grows with the page's length alone", async function () {
    this.timeout(30_000);
    const begin = "<html><head></head><body>";
    for (const piece of [
      "<!--",
      "<script><!--",
      "<textarea></",
      "<p a='",
      "--!",
      "<![CDATA[",
      "<!----",
    ]) {
      const started = process.cpuUsage();
      await composeBytes([Buffer.from(begin), Buffer.from(piece.repeat(1_000_000 / piece.length))]);
      expect(process.cpuUsage(started).user / 1000, piece).to.be.lessThan(3000);
    }
  });
});
