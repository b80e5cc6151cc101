// Answers the search's requests for pages with their running text, which this site keeps in one
// script: a page opened from disk may fetch nothing.
// @ts-check
(() => {
  const site = /** @type {typeof globalThis & { foolkitTexts?: Record<string, string> }} */ (globalThis);
  const texts = site.foolkitTexts ?? {};
  const outside = globalThis.fetch.bind(globalThis);
  globalThis.fetch = (request, options) => {
    const name = String(request).split("/").pop()?.replace(/\.html$/, "") ?? "";
    if (!(name in texts)) return outside(request, options);
    const page = document.createElement("div");
    page.setAttribute("role", "main");
    page.textContent = texts[name];
    return Promise.resolve(new Response(page.outerHTML));
  };
})();
