// An import that ends in "?text": the source of a module as one string, as modules.py joins it.
declare module "*?text" {
  const source: string;
  export default source;
}
