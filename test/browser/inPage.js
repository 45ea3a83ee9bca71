// Functions that run in the page, so each stands alone.

/**
 * Every visible text whose contrast with what is painted behind it is too low. Colours are drawn on
 * a canvas and read back, so every notation is understood.
 * @param {number} least as WCAG 2.2, 1.4.3 counts
 * @returns {{text: string, contrast: number}[]}
 */
export function findFaintTexts(least) {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const paint = (colors) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const color of colors) {
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
    }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const backgrounds = (element) =>
    element === null
      ? ["white"]
      : [...backgrounds(element.parentElement), getComputedStyle(element).backgroundColor];
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    const text = node.textContent.trim();
    if (text === "" || element.closest("script, style, :disabled")) continue;
    if (!element.checkVisibility()) continue;
    const behind = backgrounds(element);
    const [first, second] = [
      luminance(paint(behind)),
      luminance(paint([...behind, getComputedStyle(element).color])),
    ].sort((a, b) => b - a);
    const contrast = (first + 0.05) / (second + 0.05);
    if (contrast < least) faint.push({ text, contrast: Math.round(contrast * 100) / 100 });
  }
  return faint;
}

/**
 * What reaches beyond the right border of a window that can be scrolled that way.
 * @returns {string[]}
 */
export function findOverflow() {
  if (document.documentElement.scrollWidth <= window.innerWidth) return [];
  return [...document.body.querySelectorAll("*")]
    .filter((element) => element.getBoundingClientRect().right > window.innerWidth + 0.5)
    .map((element) => `${element.tagName}.${element.getAttribute("class")}`);
}

/**
 * Address of the link that has the focus, and how that is shown.
 * @returns {(string | null)[]}
 */
export function describeFocus() {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  return [document.activeElement.getAttribute("href"), outlineStyle, outlineWidth];
}

/**
 * @param {number} width of the side panel, in pixels
 * @returns {boolean}
 */
export function panelIsWide(width) {
  return document.getElementById("side-panel").offsetWidth === width;
}

/**
 * Properties of the side panel that are on their way to another value.
 * @returns {string[]}
 */
export function panelAnimations() {
  const panel = document.getElementById("side-panel");
  // Reading it lets the new style, and with it a transition, begin.
  void panel.offsetWidth;
  return panel.getAnimations().map((animation) => animation.transitionProperty);
}

/** What axe-core finds, with the elements it is about. */
export async function findViolations() {
  // @ts-expect-error axe was loaded into the page
  const { violations } = await globalThis.axe.run();
  return violations.map(
    (/** @type {{ id: string; nodes: { target: string[] }[] }} */ { id, nodes }) =>
      `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`,
  );
}
