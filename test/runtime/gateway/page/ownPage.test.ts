import { expect } from "chai";

import { errorPage } from "../../../../runtime/gateway/page/errorPage.ts";
import { ownPage } from "../../../../runtime/gateway/page/ownPage.ts";

describe("ownPage", () => {
  it("is a card in the middle without services", () => {
    const page = ownPage({ title: "Signed out", body: "<p>Bye</p>" });
    expect(page).to.match(
      /^<!doctype html>\n<html lang="en" data-color-theme="purple"><head><meta charset="utf-8">/,
    );
    expect(page).to.include("<title>Signed out - HiveMatrix</title>");
    expect(page).to.include('<main class="own-page__card card"><p>Bye</p></main>');
    expect(page).to.not.include("side-panel__");
  });

  it("has the side panel with services", () => {
    const page = ownPage({
      title: "Start",
      body: "<p>Hi</p>",
      services: [{ name: "helm", title: "Helm" }],
      user: { name: "Ada", level: "admin" },
      theme: "dark",
      colorTheme: "bee",
    });
    expect(page).to.include('<html lang="en" data-theme="dark" data-color-theme="bee">');
    expect(page).to.match(
      /hivematrix-layout.*id="side-panel".*hivematrix-content"><main><p>Hi<\/p>/s,
    );
  });

  it("has nothing inline and nothing from elsewhere", () => {
    const page = ownPage({ title: "x", body: "", services: [{ name: "helm", title: "Helm" }] });
    expect(page).to.not.match(
      /<script(?![^>]* src="\/static\/)|<style|style=|\son[a-z]+=|javascript:/,
    );
    expect(page).to.not.match(/(?:src|href)="(?!\/)/);
    expect(page).to.not.match(/(?:src|href)="\/\//);
  });

  it("attack: a title stays text", () => {
    expect(ownPage({ title: "</title><script>", body: "" })).to.include(
      "&lt;/title&gt;&lt;script&gt;",
    );
  });
});

describe("errorPage", () => {
  it("says what, why and how to ask", () => {
    const page = errorPage({
      status: 502,
      title: "Not there",
      detail: "Codex does not answer.",
      requestId: "a1",
    });
    expect(page).to.match(
      /502.*<h1[^>]*>Not there<\/h1>.*Codex does not answer\..*<code>a1<\/code>/,
    );
    expect(errorPage({ status: 404, title: "x", detail: "y" })).to.not.include("Request");
  });

  it("attack: a reflected detail or request id stays text (weakness 3)", () => {
    const evil = "<script>alert(1)</script>";
    const page = errorPage({ status: 401, title: evil, detail: evil, requestId: evil });
    expect(page).to.not.include(evil);
    expect(page.split("&lt;script&gt;alert(1)&lt;/script&gt;")).to.have.length(5);
  });
});
