// Runs in the page that is looked at: a script of the browser's, read as text by look.ts.
(() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  /** Whether it is in a box that scrolls by itself. */
  const scrolls = (element) =>
    element !== null && (/auto|scroll/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
  const everything = [...document.querySelectorAll("*")];
  return {
    width: scrollWidth,
    window: clientWidth,
    over: everything
      .filter((each) => each.getBoundingClientRect().right > clientWidth && !scrolls(each.parentElement))
      .map((each) => each.outerHTML.slice(0, 120)),
    elements: [...new Set(everything.map((each) => each.localName))],
    links: [...document.querySelectorAll("[href]")].map((each) => each.getAttribute("href")),
  };
})();
