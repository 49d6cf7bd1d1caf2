// The one file of `tsconfig.json`, which must name one.
export {};
